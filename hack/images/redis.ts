import { basename, join } from 'node:path'
import { run } from '../run.ts'
import { librariesOf, unpackedPackage } from './debian.ts'
import type { ImageFile } from './oci-image.ts'

/** Debian packages of Redis and of libraries that a machine may not have. The server is in the tools: one program, which is what it is called. */
const packages = ['redis-tools', 'liblzf1', 'libjemalloc2', 'libatomic1'] as const

/** Program and library folders of Redis, unpacked and not installed. */
export const redisProgram = async (): Promise<{ readonly program: string; readonly libraries: string }> => {
  const [tools = '', ...libraries] = await Promise.all(packages.map((name) => unpackedPackage(name)))
  const [arch = ''] = (await run('dpkg-architecture', ['-qDEB_HOST_MULTIARCH']).catch(() => 'x86_64-linux-gnu')).split('\n')
  const folders = libraries.flatMap((folder) => [join(folder, 'usr/lib', arch), join(folder, 'lib', arch)])
  return { program: join(tools, 'usr/bin/redis-check-rdb'), libraries: folders.join(':') }
}

/** The server as an image has it: in /usr/local/bin, with its libraries where the loader looks. */
export const redisFiles = async (): Promise<readonly ImageFile[]> => {
  const { program, libraries } = await redisProgram()
  const unpacked = libraries.split(':')
  const files = await librariesOf([program], libraries)
  return [
    { path: '/usr/local/bin/redis-server', source: program },
    ...files.map((file) =>
      unpacked.some((folder) => file.path.startsWith(folder)) ? { ...file, path: `/usr/lib/${basename(file.path)}` } : file,
    ),
  ]
}
