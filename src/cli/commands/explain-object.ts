import { parseKubeconfig } from '../../kube/kubeconfig.ts'
import { createKubeClient } from '../../kube/undici-client.ts'
import { openAccess, openSuper, type SuperOptions, userAgent } from '../access.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import type { ExplainedObject, ObjectInput, ObjectSide } from '../object-port.ts'
import { objectWords, shortPaths } from '../object-words.ts'
import { isForPeople } from '../output-formats.ts'
import { ageText, colour, resultText, tableText } from '../print.ts'
import { printable } from '../printable.ts'
import type { OutputOptions } from './tenants.ts'

type ExplainOptions = OutputOptions & SuperOptions

const stateOf = ({ uid, deletionTimestamp }: ObjectSide): string =>
  uid === undefined ? 'not there' : deletionTimestamp === undefined ? 'there' : 'being deleted'

const sideRow = (side: string, object: ObjectSide | undefined): string[][] =>
  object ? [[side, object.place, stateOf(object), object.uid ?? '-', object.resourceVersion ?? '-']] : []

/** Parts that people read below the first table, each with its own columns; those with nothing in them are left out. */
const partsOf = (
  { pending, events, owners, referredBy = [] }: ExplainedObject,
  { isWide, now }: { readonly isWide: boolean; readonly now: number },
): readonly string[] =>
  (
    [
      [['PENDING', 'WHAT', 'DETAIL'], pending.map(({ direction, kind, detail }) => [direction, kind, detail])],
      [['REFERRED TO BY'], referredBy.map((place) => [place])],
      [
        ['EVENT', 'SIDE', 'TYPE', 'LAST SEEN', 'COUNT', 'MESSAGE'],
        events.map((event) => [
          event.reason,
          event.side,
          event.type,
          ageText(event.lastSeen, now),
          String(event.count),
          event.message,
        ]),
      ],
      [
        ['OWNER', 'SIDE', 'BY', 'SINCE', 'FIELDS'],
        owners.map(({ manager, side, operation, subresource, time, fields }) => [
          manager,
          side,
          subresource === '' ? operation : `${operation} of ${subresource}`,
          ageText(time, now),
          (isWide ? fields : shortPaths(fields)).join(' '),
        ]),
      ],
    ] as const
  )
    .filter(([, rows]) => rows.length > 0)
    .map(([columns, rows]) => `\n${tableText(columns, rows)}\n`)

/** The name of the other side's object, for `-o name`. */
const counterpart = ({ tenantObject, superObject }: ExplainedObject, subject: ObjectInput['subject']): readonly string[] => {
  const other = subject.side === 'tenant' ? superObject : tenantObject
  return other?.uid === undefined ? [] : [other.place]
}

const explain = async (
  subjectIn: (namespace: string) => ObjectInput['subject'],
  options: ExplainOptions,
  host: CliHost,
): Promise<ExitCode> => {
  const { client: management, namespace } = await openAccess(options, host.env)
  const clients = [management]
  try {
    const apart = await openSuper(options, host.env)
    if (apart) clients.push(apart)
    const subject = subjectIn(namespace)
    const found = await host.explainObject(
      { subject, signal: host.signal },
      {
        management,
        superClient: apart ?? management,
        connect: (kubeconfig) => createKubeClient(parseKubeconfig(kubeconfig), { userAgent }),
      },
    )
    const columns = ['SIDE', 'OBJECT', 'STATE', 'UID', 'VERSION']
    const rows = [...sideRow('tenant', found.tenantObject), ...sideRow('super', found.superObject)]
    host.stdout.write(resultText({ data: found, names: counterpart(found, subject), columns, rows }, options.output))
    const isFine = found.pending.length === 0 && found.refusal === undefined
    if (isForPeople(options.output)) {
      for (const part of partsOf(found, { isWide: options.output === 'wide', now: host.now() })) host.stdout.write(part)
      const { tenant, verdict, refusal, frozen } = found
      const said = `tenant ${tenant.namespace}/${tenant.name}: ${verdict}${refusal === undefined ? '' : `: ${refusal}`}`
      const style = isFine ? 'green' : 'yellow'
      host.stderr.write(`${colour(style, printable(said), { isTTY: host.stderr.isTTY, env: host.env })}\n`)
      if (frozen !== undefined) host.stderr.write(`syncing is FROZEN: ${printable(frozen)}\n`)
    }
    return isFine ? exitCodes.done : exitCodes.differs
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
}

/** Says how an object of a tenant stands: its counterpart in super, what is pending, what was said of it, who wrote which field. Writes nothing. */
export const explainObject = (
  { name, object }: { readonly name: string; readonly object: string },
  options: ExplainOptions,
  host: CliHost,
): Promise<ExitCode> => {
  const words = objectWords(object)
  return explain((namespace) => ({ side: 'tenant', tenant: { name, namespace }, object: words }), options, host)
}

/** The same of an object of super: whose it is, and how what it stands for is. Writes nothing. */
export const explainSuper = (object: string, options: ExplainOptions, host: CliHost): Promise<ExitCode> => {
  const words = objectWords(object)
  return explain(() => ({ side: 'super', object: words }), options, host)
}
