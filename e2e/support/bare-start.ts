import { startApiServer } from '../../src/testing/api-server.ts'

/**
 * Seconds until an etcd and a kube-apiserver, started as plain processes on this machine, are ready: what times of tenants are measured against, side by side.
 * A limit in seconds would measure who else uses the machine.
 */
export const secondsOfBareStart = async (): Promise<number> => {
  const began = performance.now()
  const server = await startApiServer()
  const seconds = (performance.now() - began) / 1000
  await server.stop()
  return seconds
}
