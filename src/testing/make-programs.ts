import { ensureBinaries } from '../../hack/binaries.ts'
import { printProgress } from '../../hack/progress.ts'
import { ensurePython } from '../../hack/python-tools.ts'
import { controllerManagerProgram } from './controller-manager.ts'
import { s3Program } from './s3-server.ts'
import { servedMinors, testBinaries } from './test-binaries.ts'

/** Global set-up of the integration tests: what they start is built before the first of them, as on a new machine that takes minutes. */
const setup = async (): Promise<void> => {
  // Who has programs of their own builds no more than a test asks for.
  if (process.env['BERTH_TEST_BIN']) return
  const progress = printProgress()
  for (const minor of servedMinors) await testBinaries(minor, progress)
  await ensureBinaries([controllerManagerProgram, s3Program, 'etcdutl'], { progress })
  await ensurePython('schemathesis', { progress })
}

export default setup
