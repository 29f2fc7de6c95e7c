import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { expect } from 'vitest'

const root = join(import.meta.dirname, '../..')
const policyFile = 'audit-policy.yaml'
const logFile = 'audit.log'

const accounts = ['berth-manager', 'berth-syncer', 'berth-vn-agent', 'berth-isolation-verify']

/** Requests of Berth's accounts, and of those they speak for, with the answer. A watch is told of when it begins: it may never end. */
const policy = JSON.stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', users: accounts.map((name) => `system:serviceaccount:berth-system:${name}`) }, { level: 'None' }],
})

/** What kube-apiserver writes of a request, as far as it is looked at. */
export interface AuditEvent {
  readonly verb: string
  readonly user: { readonly username: string }
  readonly impersonatedUser?: { readonly username: string }
  readonly objectRef?: { readonly apiGroup?: string; readonly resource?: string; readonly subresource?: string }
  readonly responseStatus?: { readonly code?: number; readonly message?: string }
  readonly annotations?: Readonly<Record<string, string>>
}

/** `account verb group/resource` of requests that an API server was asked: those that rights of Berth let through, and those that it refused for want of a right. */
export interface RightsSeen {
  readonly used: readonly string[]
  readonly refused: readonly string[]
}

const accountOf = (user: string): string | undefined => /^system:serviceaccount:berth-system:(berth-[a-z-]+)$/.exec(user)?.[1]

/** Rights that are not written in Berth's manifests: what everybody may ask, and what an operator gives for kinds of his own. */
const isOthers = (reason: string): boolean => !/of (Cluster)?Role "berth[:-]/.test(reason) || reason.includes('custom-kinds')

/** What one audited request says of rights. */
export const rightsOf = ({
  verb,
  user,
  impersonatedUser,
  objectRef,
  responseStatus,
  annotations = {},
}: AuditEvent): RightsSeen => {
  const account = accountOf(user.username)
  if (account === undefined || !objectRef?.resource) return { used: [], refused: [] }
  const { apiGroup = '', resource, subresource } = objectRef
  const what = `${apiGroup}/${resource}${subresource ? `/${subresource}` : ''}`
  const who = impersonatedUser ? 'tenant' : account
  const decision = annotations['authorization.k8s.io/decision']
  const impersonation = `${account} impersonate /serviceaccounts`
  // Who may not speak for another is refused before it is known what the other may do.
  if (decision === undefined && responseStatus?.code === 403) return { used: [], refused: [impersonation] }
  if (decision === 'forbid') return { used: [], refused: [`${who} ${verb} ${what}`] }
  if (decision !== 'allow') return { used: [], refused: [] }
  // A server-side apply that makes an object takes both.
  const verbs = verb === 'patch' && responseStatus?.code === 201 ? ['patch', 'create'] : [verb]
  const own = isOthers(annotations['authorization.k8s.io/reason'] ?? '') ? [] : verbs.map((each) => `${who} ${each} ${what}`)
  return { used: [...own, ...(impersonatedUser ? [impersonation] : [])], refused: [] }
}

/** What a log says in all. A right that was refused and used too was only not in force yet, or not in that namespace. */
export const rightsInLog = (text: string): RightsSeen => {
  const used = new Set<string>()
  const refused = new Set<string>()
  for (const line of text.split('\n')) {
    if (!line.endsWith('}')) continue // The last one may be cut off.
    const seen = rightsOf(JSON.parse(line) as AuditEvent)
    for (const right of seen.used) used.add(right)
    for (const right of seen.refused) refused.add(right)
  }
  return { used: [...used], refused: [...refused].filter((right) => !used.has(right)) }
}

/** Flags of a kube-apiserver that is to log what Berth's accounts ask of it. */
export const auditFlags = async (folder: string): Promise<string[]> => {
  await writeFile(join(folder, policyFile), policy)
  return [`--audit-policy-file=${join(folder, policyFile)}`, `--audit-log-path=${join(folder, logFile)}`]
}

/** Reads what a server that ended has logged. With `BERTH_RIGHTS_SEEN`, a folder, what was used is added there to the record of the test file that runs. */
export const readRightsSeen = async (folder: string): Promise<RightsSeen> => {
  const seen = rightsInLog(await readFile(join(folder, logFile), 'utf8').catch(() => ''))
  const record = process.env['BERTH_RIGHTS_SEEN'] || undefined
  if (record) {
    const test = relative(root, expect.getState().testPath ?? 'unknown')
    await mkdir(record, { recursive: true })
    await appendFile(join(record, `${basename(test)}.txt`), seen.used.map((right) => `${test}\t${right}\n`).join(''))
  }
  return seen
}
