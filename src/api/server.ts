import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyTypeProvider,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { z } from 'zod'
import type { Scope } from '../access/scopes.ts'
import type { KubeObject } from '../apis/kube-object.ts'

/** Who asks: an API key that was shown to be known. */
export interface Principal {
  readonly keyId: string
  /** The one organisation that it sees; undefined: the platform's. */
  readonly organization?: string | undefined
  /** UID of its namespace. */
  readonly organizationUid?: string | undefined
  readonly scopes: readonly Scope[]
}

/** What a route needs, checked before anything of the request but its headers is read. */
export interface Needs {
  /** Undefined: everybody may, without a key. */
  readonly scope?: Scope
  /** Keys of an organisation may not, whatever their scopes. */
  readonly platformOnly?: boolean
}

declare module 'fastify' {
  interface FastifyContextConfig {
    needs?: Needs
  }
  interface FastifyRequest {
    principal: Principal | undefined
    /** Namespace of the organisation in the path; it was there when the request came. */
    organization: KubeObject | undefined
  }
}

/** Requests have the types of their schemas; answers are documented by theirs, and not held to them. */
export interface ApiTypes extends FastifyTypeProvider {
  validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown
  serializer: unknown
}

export type ApiServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ApiTypes
>
