import { systemImages, tenantImages } from '../images/local-images.ts'
import { printProgress } from '../progress.ts'
import { clusterPrograms } from './up.ts'

/** Global set-up of the tests of the local cluster: what a cluster is made of is built before the first of them, as on a new machine that takes minutes. */
const setup = async (): Promise<void> => {
  const progress = printProgress()
  await clusterPrograms(progress)
  await systemImages(progress)
  await tenantImages(progress)
}

export default setup
