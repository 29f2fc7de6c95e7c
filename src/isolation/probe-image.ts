/** Image with agnhost's commands, of which the pods of checks are; `registry`: `registry.k8s.io`, or what takes its place. */
export const probeImage = (registry = 'registry.k8s.io'): string => `${registry}/e2e-test-images/agnhost:2.66.1`
