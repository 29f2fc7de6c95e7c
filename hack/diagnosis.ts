import type { Kubectl } from './cluster/kubectl.ts'

const tail = (text: string, lines: number): string => text.trimEnd().split('\n').slice(-lines).join('\n')

/** A part that cannot be read is said so: a report must not fail. */
const section = async (title: string, read: () => Promise<string>): Promise<string> => {
  const text = await read().catch((error: unknown) => `cannot be read: ${tail(String(error), 3)}`)
  return `--- ${title}\n${text.trim() || 'none'}`
}

const notReadyPods = async (kubectl: Kubectl, namespace: string): Promise<string[]> => {
  const listed = await kubectl(
    [
      'get',
      'pods',
      '-n',
      namespace,
      '-o',
      'jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[*].ready}{"\\n"}{end}',
    ],
    { timeoutMs: 10_000 },
  )
  return listed
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([name, ...ready]) => name && !ready.includes('true'))
    .map(([name = '']) => name)
}

/** What a person would look at when something in a namespace does not come up: pods, last events, last words of what is not ready. */
export const namespaceReport = async (kubectl: Kubectl, namespace: string): Promise<string> => {
  const at = { timeoutMs: 10_000 }
  const names = await notReadyPods(kubectl, namespace).catch(() => [])
  const parts = await Promise.all([
    section(`pods in ${namespace}`, () => kubectl(['get', 'pods', '-n', namespace, '-o', 'wide'], at)),
    section(`last events in ${namespace}`, async () =>
      tail(await kubectl(['get', 'events', '-n', namespace, '--sort-by=.lastTimestamp'], at), 20),
    ),
    ...names
      .slice(0, 5)
      .map((name) =>
        section(`log of ${name}`, () =>
          kubectl(['logs', name, '-n', namespace, '--all-containers', '--prefix', '--tail=30'], at),
        ),
      ),
  ])
  return parts.join('\n')
}

/** As `namespaceReport`, for a tenant: its conditions first, then its control-plane namespace. */
export const tenantReport = async (kubectl: Kubectl, name: string, namespace = 'default'): Promise<string> => {
  const at = { timeoutMs: 10_000 }
  const tenant = await section(`TenantControlPlane ${name}`, () =>
    kubectl(
      [
        'get',
        'tcp',
        name,
        '-n',
        namespace,
        '-o',
        'jsonpath={range .status.conditions[*]}{.type}={.status} {.reason}: {.message}{"\\n"}{end}',
      ],
      at,
    ),
  )
  const controlPlane = await kubectl(
    ['get', 'tcp', name, '-n', namespace, '-o', 'jsonpath={.status.controlPlaneNamespace}'],
    at,
  ).catch(() => '')
  const rest = await Promise.all([controlPlane, 'berth-system'].filter(Boolean).map((each) => namespaceReport(kubectl, each)))
  return [tenant, ...rest].join('\n')
}
