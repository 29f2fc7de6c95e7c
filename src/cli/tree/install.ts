import { Option } from 'commander'
import type { Branch } from './branch.ts'
import { collected, seconds, withManagement } from './options.ts'

const sides = ['both', 'management', 'super']
const sideOption = (): Option => new Option('--side <side>', 'all of Berth, or one side of two clusters').choices(sides)

/** `berth install` and `berth uninstall`. */
export const installBranch: Branch = (program, { run }) => {
  withManagement(program.command('install'))
    .description('install Berth, or bring an installation to this version and these values')
    .option(
      '-f, --values <file>',
      'YAML file of values, as for the Helm chart; may be given again, - is standard input',
      collected,
    )
    .addOption(sideOption())
    .option('--image <reference>', "Berth's image")
    .option('--registry <registry>', 'takes the place of registry.k8s.io in the images of control planes')
    .option('--dry-run', 'print the objects as YAML, and ask no cluster')
    .option('--timeout <seconds>', 'how long to wait until it serves; 0: not at all', seconds, 180)
    .action((options) => run(async (host) => (await import('../commands/install.ts')).install(options, host)))
  withManagement(program.command('uninstall'))
    .description('remove Berth; refuses while there are tenants')
    .addOption(sideOption().default('both'))
    .option('--crds', 'also the definitions of its kinds')
    .option('--check', 'say whether it may be removed, and remove nothing')
    .option('--timeout <seconds>', 'how long each group of objects may take to be gone', seconds, 120)
    .action((options) => run(async (host) => (await import('../commands/uninstall.ts')).uninstall(options, host)))
}
