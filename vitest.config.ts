import { defineConfig } from 'vitest/config'

const integration = 'src/**/*.integration.test.ts'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', '{hack,bench,chaos}/**/*.unit.test.ts'],
          exclude: [integration],
          // Some make keys or start a process: on a busy machine that takes its time.
          testTimeout: 30_000,
          hookTimeout: 60_000,
          // Much of their time is waiting: the default, one worker less than cores, leaves a small machine idle.
          maxWorkers: 3,
        },
      },
      // Each file starts an etcd and a kube-apiserver, and then waits for much of its time: with two at once two cores had a load of 2.
      {
        test: {
          name: 'integration',
          include: [integration],
          globalSetup: ['src/testing/make-programs.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          maxWorkers: 3,
        },
      },
      {
        test: {
          name: 'cluster',
          include: ['hack/**/*.cluster.test.ts'],
          globalSetup: ['hack/cluster/make-programs.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.e2e.ts'],
          globalSetup: ['e2e/cluster.ts'],
          setupFiles: ['e2e/support/at-the-end.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
    coverage: { provider: 'v8', include: ['src/**/*.ts'], exclude: ['src/testing/**', 'src/**/*.test.ts'] },
  },
})
