import { z } from 'zod'

/** URL of an etcd endpoint. Addresses of a node itself are none that a control plane may be sent to: link-local ones are where clouds keep credentials. */
export const storeEndpoint = z
  .string()
  .min(1)
  .max(300)
  .regex(/^https:\/\/([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$/)
  .describe('For example https://etcd-0.etcd.etcd.svc:2379')
  .meta({
    'x-kubernetes-validations': [
      {
        rule: "!self.matches('^https://(0\\\\.|127\\\\.|169\\\\.254\\\\.|\\\\[(::1?\\\\]|::[fF]{4}:|[fF][eE][89abAB]))')",
        message: 'loopback and link-local addresses are no data stores',
      },
    ],
  })

/** Endpoints of one etcd. */
export const storeEndpoints = z.array(storeEndpoint).min(1).max(9)
