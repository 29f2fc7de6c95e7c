import { createHash } from 'node:crypto'
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { KubeObject } from '../apis/kube-object.ts'
import { admissionFolder } from '../controlplane/components/keys-volume.ts'
import { admissionFiles, admissionFlags, policiesFile } from '../controlplane/components/told/files.ts'
import { startApiServer, type TestApiServer } from './api-server.ts'
import { eventually } from './eventually.ts'
import { aPlane } from './plane-builders.ts'
import type { ServedMinor } from './test-binaries.ts'

/** Puts a link in the place of what is there, in one step. */
const relink = async (target: string, link: string): Promise<void> => {
  await symlink(target, `${link}_tmp`)
  await rename(`${link}_tmp`, link)
}

/** Writes the files of the ConfigMap as a kubelet does: links to a folder that is exchanged as a whole (k8s.io/kubernetes/pkg/volume/util/atomic_writer.go). */
export const writeAdmissionFiles = async (files: KubeObject | undefined, folder: string): Promise<void> => {
  const contents = Object.entries((files?.data ?? {}) as Record<string, string>)
  const now = await mkdtemp(`${folder}/..files-`)
  for (const [name, content] of contents) await writeFile(join(now, name), content.replaceAll(admissionFolder, folder))
  await relink(basename(now), join(folder, '..data'))
  for (const [name] of contents) await relink(join('..data', name), join(folder, name))
}

/** An API server that reads a tenant's policies from files. */
export interface ToldServer {
  readonly server: TestApiServer
  /** What a kubelet does when the spec has changed. Resolves when the API server goes by the new policies. */
  tell(spec: Record<string, unknown>): Promise<void>
  stop(): Promise<void>
}

/** As `automatic_reload_last_config_info` has it (k8s.io/apiserver/pkg/admission/plugin/manifest/loader.go). */
const hashOf = (policies: string): string => `sha256:${createHash('sha256').update(policies).update('\0').digest('hex')}`

/** Starts it with the policies of this spec. */
export const startToldServer = async (minor: ServedMinor, spec: Record<string, unknown>): Promise<ToldServer> => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-told-'))
  const filesOf = (of: Record<string, unknown>): KubeObject => admissionFiles(aPlane(of))
  const stopFolder = () => rm(folder, { recursive: true, force: true })
  await writeAdmissionFiles(filesOf(spec), folder)
  const flags = admissionFlags.map((flag) => flag.replaceAll(admissionFolder, folder))
  const server = await startApiServer({ minor, flags }).catch(async (error: unknown) => {
    await stopFolder()
    throw error
  })
  return {
    server,
    tell: async (wanted) => {
      const files = filesOf(wanted)
      await writeAdmissionFiles(files, folder)
      const hash = hashOf(files.data[policiesFile])
      await eventually(async () => (await server.client.raw('/metrics')).body.includes(hash), {
        describe: 'the new policies',
        // It looks each minute, should the file system say nothing.
        deadlineMs: 90_000,
        everyMs: 100,
      })
    },
    stop: async () => {
      await server.stop()
      await stopFolder()
    },
  }
}
