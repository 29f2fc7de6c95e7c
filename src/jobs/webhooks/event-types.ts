/** What webhooks hear of tenants. */
export const tenantEventTypes = [
  'tenant.created',
  'tenant.ready',
  'tenant.not_ready',
  'tenant.paused',
  'tenant.resumed',
  'tenant.upgraded',
  'tenant.deleted',
] as const
export type TenantEventType = (typeof tenantEventTypes)[number]

/** What an endpoint is sent when its owner asks for it, whatever events it wants. */
export const pingEventType = 'webhook.ping'
