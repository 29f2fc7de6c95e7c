/** Where vn-agent listens on every node: where a tenant's API server, and its metrics servers, find "the kubelet" of each of its Nodes. */
export const agentPort = 10_550
