import { join } from 'node:path'
import { cacheDir } from '../cache.ts'
import type { Component } from './machine.ts'
import type { ClusterPlan } from './plan.ts'

const port = 5000

/** Where nodes ask for images, of whatever registry: by name they reach none. */
export const registryUrl = (plan: ClusterPlan): string => `http://${plan.control.ip}:${port}`

/** The images that were made on this machine, for pods that insist on pulling (`imagePullPolicy: Always`), as isolation profile restricted makes all do. */
export const registry = (plan: ClusterPlan): Component => ({
  id: 'registry',
  machine: plan.control,
  command: [
    process.execPath,
    join(import.meta.dirname, 'registry-server.ts'),
    plan.control.ip,
    String(port),
    join(cacheDir(), 'images'),
  ],
})
