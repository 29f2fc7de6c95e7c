import { Counter, Histogram, type Registry } from 'prom-client'

/** What the HTTP API tells of its requests. No label has names of organisations or tenants. */
export const createHttpMetrics = (registry: Registry) => ({
  seconds: new Histogram({
    name: 'berth_api_request_seconds',
    help: 'Duration of requests by method, route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers: [registry],
  }),
  problems: new Counter({
    name: 'berth_api_problems_total',
    help: 'Requests that ended with a problem, by its code',
    labelNames: ['code'],
    registers: [registry],
  }),
})
