import { expect, test } from 'vitest'
import { aStoredJob } from '../../testing/stored-job.ts'
import { surplusDead } from './trim-dead.ts'

const aJob = (id: string, deadAtMs?: number) => aStoredJob(id, deadAtMs === undefined ? {} : { deadAtMs })

test('the oldest dead letters go, and no job that is alive', () => {
  const objects = [aJob('c', 3), aJob('a', 1), aJob('alive'), aJob('b', 2)]
  expect(surplusDead(objects, 2).map(({ metadata }) => metadata.name)).toEqual(['berth-job-a'])
  expect(surplusDead(objects, 3)).toEqual([])
  expect(surplusDead(objects, 0)).toHaveLength(3)
})
