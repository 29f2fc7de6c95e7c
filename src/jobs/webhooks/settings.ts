import { z } from 'zod'
import { type Settings, text } from '../../lib/config.ts'
import type { TargetRules } from './target.ts'

/** Ranges with commas between them; none when nothing is said. */
const ranges = z
  .string()
  .default('')
  .transform((value) =>
    value
      .split(',')
      .map((each) => each.trim())
      .filter(Boolean),
  )
  .pipe(z.array(z.union([z.cidrv4(), z.cidrv6()], 'ranges such as 10.0.0.0/8 are needed, with commas between them')))

/** Where webhooks may go: the same for who takes endpoints and for who sends, so that what is taken is sent. */
export const webhookSettings = {
  webhookAllowedCidrs: {
    env: 'BERTH_WEBHOOK_ALLOWED_CIDRS',
    flag: 'webhook-allowed-cidrs',
    schema: ranges,
    help: 'ranges that webhooks may go to although they are not public, comma-separated',
  },
  webhookRefusedCidrs: {
    env: 'BERTH_WEBHOOK_REFUSED_CIDRS',
    flag: 'webhook-refused-cidrs',
    schema: ranges,
    help: "public ranges that webhooks may not go to, comma-separated: the clusters' own",
  },
  webhookAllowHttp: {
    env: 'BERTH_WEBHOOK_ALLOW_HTTP',
    flag: 'webhook-allow-http',
    schema: text.flag().default(false),
    help: 'true: endpoints of webhooks may be http, which anybody on the way reads and changes',
  },
} as const satisfies Settings

/** The rules that the settings say. */
export const targetRulesOf = (config: {
  readonly webhookAllowedCidrs: readonly string[]
  readonly webhookRefusedCidrs: readonly string[]
  readonly webhookAllowHttp: boolean
}): TargetRules => ({
  allowed: config.webhookAllowedCidrs,
  refused: config.webhookRefusedCidrs,
  allowHttp: config.webhookAllowHttp,
})
