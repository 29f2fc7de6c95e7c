import { superNamespace } from '../../src/tenancy/names.ts'
import { apply, superKubectl, world } from '../support/kubectl.ts'
import { busybox, idle, pod, shell } from '../support/objects.ts'
import { podReady, waitFor } from '../support/wait.ts'
import type { Attack, AttackSet } from './attack.ts'
import { type Ground, shop } from './ground.ts'
import { inBox, said } from './ways.ts'

// Code inside a pod of the attacker's, which runs as root there. What it can do, it can do by itself: no API server is asked.
type Place = (ground: Ground) => string | Promise<string>
/** A TCP connection that must not come about, whatever would be spoken on it. */
const closed = (name: string, place: Place): Attack => ({
  name,
  as: 'pod',
  attempt: async (ground) => {
    const [host = '', port = ''] = (await place(ground)).split(' ')
    return inBox(ground.attacker, `nc -w 3 ${host} ${port} < /dev/null && echo reached`)
  },
  refusal: /^(?![\s\S]*reached)[\s\S]*exit [1-9]/,
})
const podIp = (namespace: string, selector: string): Promise<string> =>
  superKubectl(['get', 'pods', '-n', namespace, '-l', selector, '-o', 'jsonpath={.items[0].status.podIP}'])
const serviceIp = (namespace: string, name: string): Promise<string> =>
  superKubectl(['get', 'service', name, '-n', namespace, '-o', 'jsonpath={.spec.clusterIP}'])
/** What a pod sends to its own node passes no policy of any network plugin (Kubernetes says so): there it is for keys to hold. Another node is shut. */
const nodeIp = async ({ attacker }: Ground, which: 'own' | 'another' = 'another'): Promise<string> => {
  const own = await attacker.kubectl(['get', 'pod', 'box', '-n', shop, '-o', 'jsonpath={.spec.nodeName}'])
  const isWanted = (name: string): boolean => (name === own) === (which === 'own')
  const { ip } = world().nodes.find(({ name }) => isWanted(name)) ?? {}
  if (ip === undefined) throw new Error(`there is no ${which} node beside ${own}`)
  return ip
}
const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount'
/** In its box, as any shell does it: with the pod's own token. */
const curl = (url: string): string =>
  `wget -q -T 4 -O- --no-check-certificate --header "Authorization: Bearer $(cat ${tokenPath}/token)" ${url}`

const doing = (name: string, script: string, refusal: RegExp): Attack => ({
  name,
  as: 'pod',
  attempt: ({ attacker }) => inBox(attacker, script),
  refusal,
})

export const insideAttacks: AttackSet = {
  attacks: [
    closed("a port of the neighbour's pod", ({ neighbourPodIp }) => `${neighbourPodIp} 8080`),
    closed("the neighbour's Service", async ({ neighbour }) => `${await serviceIp(superNamespace(neighbour, shop), 'web')} 80`),
    closed(
      "the neighbour's API server, at its pod",
      async ({ neighbour }) => `${await podIp(neighbour.controlPlaneNamespace, 'berth.dev/component=kube-apiserver')} 6443`,
    ),
    closed(
      "the neighbour's etcd",
      async ({ neighbour }) => `${await podIp(neighbour.controlPlaneNamespace, 'berth.dev/component=etcd')} 2379`,
    ),
    closed(
      'the etcd of its own control plane',
      async ({ attacker }) => `${await podIp(attacker.controlPlaneNamespace, 'berth.dev/component=etcd')} 2379`,
    ),
    closed("super's API server", async () => `${await serviceIp('default', 'kubernetes')} 443`),
    closed('a kubelet', async (ground) => `${await nodeIp(ground)} 10250`),
    closed('a kubelet, its port for reading', async (ground) => `${await nodeIp(ground)} 10255`),
    closed('vn-agent', async (ground) => `${await nodeIp(ground)} 10550`),
    {
      name: "its own node's kubelet, with its token",
      as: 'pod',
      attempt: async (ground) => inBox(ground.attacker, curl(`https://${await nodeIp(ground, 'own')}:10250/pods`)),
      refusal: /401|403|exit [1-9]/,
    },
    closed("super's DNS", async () => `${await serviceIp('kube-system', 'kube-dns')} 53`),
    closed("the cloud's metadata", () => '169.254.169.254 80'),
    closed("Berth's manager", async () => `${await podIp('berth-system', 'app.kubernetes.io/name=berth-manager')} 8080`),
    closed("Berth's syncer", async () => `${await podIp('berth-system', 'app.kubernetes.io/name=berth-syncer')} 8080`),
    {
      name: "the neighbour's names, from its own DNS",
      as: 'pod',
      attempt: ({ attacker, neighbour }) =>
        inBox(
          attacker,
          `nslookup web.${superNamespace(neighbour, shop)}.svc.cluster.local || nslookup kube-apiserver.${neighbour.controlPlaneNamespace}.svc.cluster.local`,
        ),
      refusal: /NXDOMAIN|can't find|exit [1-9]/,
    },
    {
      name: "the neighbour's API server with the pod's token",
      as: 'pod',
      attempt: ({ attacker, neighbour }) => inBox(attacker, curl(`${neighbour.status.endpoint}/api/v1/namespaces/shop/secrets`)),
      refusal: /401|timed out|refused|exit [1-9]/,
    },
    {
      name: 'the log of a pod at vn-agent with the pod’s token',
      as: 'pod',
      attempt: async (ground) =>
        inBox(ground.attacker, curl(`https://${await nodeIp(ground, 'own')}:10550/containerLogs/shop/web/main`)),
      refusal: /401|403|timed out|refused|exit [1-9]/,
    },
    {
      name: 'a credential of super in its file system or environment',
      as: 'pod',
      attempt: async ({ attacker }) => {
        const token = await inBox(attacker, `cat ${tokenPath}/token`)
        const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
        const environment = await inBox(attacker, 'env; mount; ls -R /var/run/secrets')
        const superApi = await serviceIp('default', 'kubernetes')
        const words = ['berth-workload', superNamespace(attacker, shop), `KUBERNETES_SERVICE_HOST=${superApi}\n`]
        const found = words.filter((word) => payload.includes(word) || environment.includes(word))
        return found.length === 0 ? 'nothing of super' : found.join(', ')
      },
      refusal: /^nothing of super$/,
    },
    doing('a mount of its own', 'mount -t tmpfs none /mnt && echo mounted', /^(?![\s\S]*mounted)[\s\S]*exit [1-9]/),
    doing(
      'the disks of the node',
      'mknod /tmp/disk b 8 0 && head -c 1 /tmp/disk && echo read',
      /^(?![\s\S]*\nread)[\s\S]*exit [1-9]/,
    ),
    doing('a setting of the kernel', 'echo 1 > /proc/sys/kernel/sysrq && echo written', /^(?![\s\S]*written)[\s\S]*exit [1-9]/),
    doing(
      'a core pattern, which the kernel would run as root',
      'echo "|/evil" > /proc/sys/kernel/core_pattern && echo written',
      /^(?![\s\S]*written)[\s\S]*exit [1-9]/,
    ),
    doing(
      'a release agent of a cgroup',
      'mkdir -p /tmp/cg && mount -t cgroup -o rdma cgroup /tmp/cg && echo mounted',
      /^(?![\s\S]*mounted)[\s\S]*exit [1-9]/,
    ),
    doing(
      'the processes of the node',
      'ls /proc | grep -E "^[0-9]+$" | while read p; do tr "\\0" " " < /proc/$p/cmdline; done; false',
      /^(?![\s\S]*kubelet)[\s\S]*exit 1/,
    ),
    doing(
      'the memory of the machine',
      'dd if=/dev/mem of=/dev/null bs=1 count=1 && echo read',
      /^(?![\s\S]*\nread)[\s\S]*exit [1-9]/,
    ),
    doing('kernel modules', 'insmod /evil.ko && echo loaded', /^(?![\s\S]*loaded)[\s\S]*exit [1-9]/),
    {
      name: 'a file of the node, by a symlink in place of its termination message',
      as: 'pod',
      attempt: async ({ attacker }) => {
        const script = 'rm -f /dev/termination-log; ln -sf /etc/hostname /dev/termination-log; ls -l /dev/termination-log; exit 3'
        await apply(attacker.kubectl, pod(shop, 'linker', shell(script), { restartPolicy: 'Never' }))
        const message = await waitFor('the end of the pod', async () => {
          const status = await attacker.kubectl([
            'get',
            'pod',
            'linker',
            '-n',
            shop,
            '-o',
            'jsonpath={.status.containerStatuses[0].state.terminated}',
          ])
          return status || undefined
        })
        await attacker.kubectl(['delete', 'pod', 'linker', '-n', shop, '--now'])
        return (JSON.parse(message) as { message?: string }).message ?? 'no message'
      },
      refusal: /^no message$/,
    },
    {
      name: 'the root of the node, by a symlink as a subPath',
      as: 'pod',
      attempt: async ({ attacker }) => {
        const volumeMounts = [{ name: 'v', mountPath: '/v' }]
        const second = shell('ls /host/etc/kubernetes; cat /host/etc/shadow', {
          volumeMounts: [{ name: 'v', mountPath: '/host', subPath: 'link' }],
        })
        const first = { ...shell('ln -s / /v/link', { volumeMounts }), name: 'first' }
        await apply(
          attacker.kubectl,
          pod(shop, 'linker', second, {
            initContainers: [first],
            volumes: [{ name: 'v', emptyDir: {} }],
            restartPolicy: 'Never',
          }),
        )
        const answer = await waitFor('what comes of it', async () => {
          const state = await attacker.kubectl([
            'get',
            'pod',
            'linker',
            '-n',
            shop,
            '-o',
            'jsonpath={.status.containerStatuses[0].state}',
          ])
          if (state.includes('"terminated"')) return said(attacker.kubectl(['logs', 'linker', '-n', shop]))
          return /CreateContainerConfigError|CreateContainerError|RunContainerError/.test(state) ? state : undefined
        })
        await attacker.kubectl(['delete', 'pod', 'linker', '-n', shop, '--now'])
        return answer
      },
      refusal: /CreateContainer|RunContainer|No such file|can't open/,
    },
    {
      name: 'the files of the node’s logs, by its API server',
      as: 'admin',
      attempt: async ({ attacker: { kubectl } }) => {
        const node = await kubectl(['get', 'pod', 'web', '-n', shop, '-o', 'jsonpath={.spec.nodeName}'])
        const paths = [
          ...[
            'logs/',
            'logs/pods/',
            'logs/../../etc/passwd',
            'logs/%2e%2e/%2e%2e/etc/passwd',
            'logs%2f..%2f..%2fetc%2fpasswd',
          ].map((path) => `/api/v1/nodes/${node}/proxy/${path}`),
          `/api/v1/nodes/${node}/proxy/containerLogs/shop/web/..%2f..%2f..%2fetc%2fpasswd`,
          '/api/v1/namespaces/shop/pods/web/log?container=..%2f..%2f..%2fetc',
          '/logs/',
        ]
        // Positive control: the same way leads to the log of its own pod.
        for (const path of [`/api/v1/nodes/${node}/proxy/containerLogs/shop/web/main`, '/api/v1/namespaces/shop/pods/web/log'])
          if (!(await kubectl(['get', '--raw', path])).trim()) throw new Error(`its own log is not at ${path}`)
        const answers = await Promise.all(paths.map((path) => said(kubectl(['get', '--raw', path]))))
        return answers
          .map((words, index) => `${paths[index]}: ${words.match(/^Error from server .*/m)?.[0] ?? `answered: ${words}`}`)
          .join('\n')
      },
      refusal: /^(\/\S+: Error from server \((NotFound|Forbidden|BadRequest)\).*(\n|$)){8}$/,
    },
    {
      name: "the neighbour's address, taken by a packet of its own making",
      as: 'pod',
      attempt: ({ attacker, neighbourPodIp }) => inBox(attacker, `ip address add ${neighbourPodIp}/32 dev eth0 && echo taken`),
      refusal: /^(?![\s\S]*taken)[\s\S]*exit [1-9]/,
    },
    {
      name: 'the API server’s answers for another: its own namespaces are all there are',
      as: 'pod',
      attempt: async ({ attacker }) => inBox(attacker, curl('https://kubernetes.default.svc/api/v1/namespaces')),
      refusal: /403|exit [1-9]/,
    },
  ],

  prepare: async ({ attacker }) => {
    // Positive control: what must be reached is, by the very same means, so that a refusal below means something.
    const { kubectl } = attacker
    await apply(kubectl, pod(shop, 'probe', shell(idle, { image: busybox })))
    await podReady(kubectl, shop, 'probe')
    const address = await kubectl(['get', 'service', 'web', '-n', shop, '-o', 'jsonpath={.spec.clusterIP}'])
    const answer = await inBox(
      attacker,
      `nc -w 3 ${address} 80 < /dev/null && echo reached; nc -w 3 kubernetes.default.svc 443 < /dev/null && echo reached`,
    )
    if (answer.match(/reached/g)?.length !== 2) throw new Error(`what a pod may reach it does not: ${answer}`)
  },
}
