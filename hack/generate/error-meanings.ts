import type { ErrorCode } from '../../src/lib/errors.ts'

type Meaning = readonly [means: string, whatToDo: string]

/** What each code means to who reads it, and what to do. A code without a line here does not compile. */
export const errorMeanings: Readonly<Record<ErrorCode, Meaning>> = {
  CONFIG_INVALID: ['a setting, an option or a file that was named is wrong', 'mend what the message names'],
  TENANT_NOT_FOUND: [
    'there is no such tenant, or it is of another organisation',
    'look at the name and its namespace: `berth tenant list -A`',
  ],
  TENANT_UNREACHABLE: [
    'the API server of a tenant does not answer, or is not made yet',
    '`berth tenant get NAME` says what it waits for',
  ],
  DATA_STORE_UNREACHABLE: ['an etcd does not answer', 'see that its pods run, and that the network lets them be reached'],
  DATA_STORE_REFUSED: ['an etcd answered, and refused', 'the message has its words: a full disk, a quota, rights of its user'],
  SNAPSHOT_STORE_UNREACHABLE: [
    'the object store of snapshots does not answer',
    'see that its endpoint is right and reached from the control-plane namespace',
  ],
  SNAPSHOT_STORE_REFUSED: ['the object store answered, and refused', 'look at bucket, key and what the key may do'],
  SNAPSHOT_NOT_FOUND: [
    'there is no such snapshot, or its object is gone from the store',
    '`berth snapshot list` shows what there is',
  ],
  SNAPSHOT_UNREADABLE: [
    'a snapshot is damaged, or encrypted with another key',
    'take another one; for an encrypted one, name the Secret with its identity',
  ],
  INSTALL_REFUSED: [
    'Berth is in use, or was installed by something else',
    'do what the message says first: tenants it names, or the tool that holds it',
  ],
  TENANT_FROZEN: [
    'a large part of a tenant vanished at once, and its syncing waits for a word',
    'find out why, then `berth tenant resume-sync NAME`',
  ],
  SPEC_INVALID: ['an object, an option or a schedule asks for what cannot be', 'mend the field that the message names'],
  SLICE_EXHAUSTED: [
    'no Service addresses are left, or those asked for are taken',
    'widen the Service range of super, or ask for another slice',
  ],
  CERTIFICATE_INVALID: [
    'a key or certificate of Berth is damaged, or a name cannot stand in one',
    'restore the Secret that the message names, or mend the name',
  ],
  TRANSLATION_REFUSED: [
    'an object of a tenant asks for what cannot go down',
    'change the field that the message names; the tenant sees the same as an Event',
  ],
  SUPER_OBJECT_FOREIGN: [
    'an object in super has the name that one of a tenant needs, and is not its own',
    'remove it or rename it; nothing is overwritten',
  ],
  SUPER_UNREACHABLE: [
    'the super cluster does not answer',
    'nothing for what runs, which goes on; [bring it back](../operations/super-cluster.md#when-super-is-away)',
  ],
  SUPER_MISMATCH: [
    'the super cluster is another one than the tenant was made on',
    'give the process the kubeconfig of the right one',
  ],
  KUBE_BAD_REQUEST: ['the request was malformed', 'report it, unless you wrote the object yourself'],
  KUBE_UNAUTHORIZED: ['the credentials are not known there, or have expired', 'take a new kubeconfig or token'],
  KUBE_FORBIDDEN: ['the account lacks a right', 'compare its rights with the manifests of this version'],
  KUBE_NOT_FOUND: ['the object, or its kind, is not there', 'look at name and namespace; for a kind, at the CRDs'],
  KUBE_ALREADY_EXISTS: ['something else has made it first', 'nothing: it is looked at again'],
  KUBE_CONFLICT: ['it was changed at the same time', 'nothing: it is read again'],
  KUBE_GONE: ['the version that a watch or list began with is too old', 'nothing: it is listed anew'],
  KUBE_INVALID: ['the object breaks a rule of its kind', 'mend the fields that the message names'],
  KUBE_TOO_LARGE: ['an answer is larger than is read', 'find what has grown so large, and remove it'],
  KUBE_TOO_MANY_REQUESTS: [
    'the API server has more to do than it can',
    'nothing, if it passes; else give it more CPU or its own priority level',
  ],
  KUBE_SERVER_ERROR: ['the API server failed', 'look at its log and that of its etcd'],
  KUBE_UNREACHABLE: ['no connection, or it was refused', 'see that the server runs and that the network lets it be reached'],
  KUBE_TIMEOUT: ['no answer in time', 'see that the server is not overloaded; for an admission webhook, that it answers'],
  JOB_NOT_FOUND: ['there is no such job', '`berth jobs list` shows what there is'],
  JOB_CONFLICT: ['the job is in a state in which this cannot be done', 'the message says which; look again in a while'],
  QUEUE_FULL: ['too many jobs wait', '`berth jobs list` shows for what'],
  QUEUE_UNREACHABLE: ['Redis does not answer', 'see that it runs; nothing that the objects know is lost'],
  WEBHOOK_FAILED: ['a webhook was not delivered this time', 'nothing at first; look at the receiver when it goes on'],
  WEBHOOK_REFUSED: ['a webhook may not go where it is meant to, or is disabled', 'change its URL, or enable it, and replay'],
  DEADLINE_EXCEEDED: ['something took longer than it may', 'the message says what; look at load and at what it talks to'],
  REQUEST_INVALID: ['fields of the request are wrong', '`errors` of the answer names each'],
  UNAUTHENTICATED: [
    'no API key, or one that is unknown, revoked or over',
    'send `Authorization: Bearer` with a key that is good',
  ],
  SCOPE_MISSING: ['the API key may not do this', 'use one with the scope that the message names'],
  ROUTE_NOT_FOUND: ['there is no such path', '`/openapi.json` lists all'],
  ORGANIZATION_NOT_FOUND: ['there is no such organisation, or the key is not for it', 'look at the name'],
  API_KEY_NOT_FOUND: ['there is no such API key', '`berth api-key list` shows all'],
  KUBECONFIG_NOT_FOUND: ['there is no such kubeconfig, or it is revoked or over', 'ask for a new one'],
  OPERATION_NOT_FOUND: ['there is no such operation, or it is older than is kept', 'read the tenant itself'],
  METHOD_NOT_ALLOWED: ['the path has other methods', '`Allow` of the answer names them'],
  ALREADY_EXISTS: ['the name is taken', 'take another, or change what has it'],
  ORGANIZATION_IN_USE: ['an organisation with tenants cannot go', 'delete them first'],
  OPERATION_NOT_CANCELLABLE: ['the operation is over, or past the point of no return', 'let it end'],
  QUOTA_EXCEEDED: ['the organisation has as much as it may', 'delete something, or ask for a larger quota'],
  STATE_CONFLICT: ['what is asked for does not fit the state that it is in', 'the message says which; read it again'],
  PRECONDITION_FAILED: ['it is no longer as `If-Match` says', 'read it again, and decide anew'],
  BODY_TOO_LARGE: ['the body is larger than is read', 'send less'],
  MEDIA_TYPE_UNSUPPORTED: [
    'the body is of a type that is not read here',
    'send `application/json`, or `application/merge-patch+json` to PATCH',
  ],
  SPEC_REFUSED: ['the management cluster refuses the object as it is asked for', '`errors` or the message says why'],
  IDEMPOTENCY_MISMATCH: ['the Idempotency-Key was used for another request', 'take a new key for each new request'],
  RATE_LIMITED: ['more requests or streams than an organisation may have', 'wait as long as `Retry-After` says'],
  INTERNAL: ['a fault of Berth', 'its log has the reason under the id of the request; report it'],
  MANAGEMENT_UNAVAILABLE: ['the management cluster does not answer as it should', 'ask again, with the same Idempotency-Key'],
  WEBHOOK_NOT_FOUND: [
    'there is no such webhook, or it is of another organisation',
    'look at its id: list the webhooks of the organisation',
  ],
  API_KEY_TOLD: [
    'this Idempotency-Key has made an API key, which was told then and is told once only',
    'use what was told; when it was lost, make another one with another Idempotency-Key and delete the first',
  ],
}
