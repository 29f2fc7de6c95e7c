/** Where a control-plane container finds its Secret. */
export const keyFolder = '/etc/berth/keys'
/** In the API server's Secret while a rotation is under way. */
export const auditPolicyFile = 'audit-policy.yaml'
/** Where the API server finds the policies that are files. */
export const admissionFolder = '/etc/berth/admission'
