import { pass, passing, refuse, type TypeTable, translate, typeTable } from './fields.ts'

const bySuperName = 'found under the name that it has in the super'

export const noClaims = 'resource claims are not offered here'

/** Of containers and of whole pods. */
export const resourceFields = typeTable('ResourceRequirements', { claims: refuse(noClaims) }, passing('limits', 'requests'))

/** A place of the downward API. */
export const fieldRefFields = typeTable(
  'ObjectFieldSelector',
  { fieldPath: translate("what is not the same in the super is read from an annotation with the tenant's value") },
  passing('apiVersion'),
)
export const resourceRefFields = typeTable('ResourceFieldSelector', passing('containerName', 'divisor', 'resource'))

const env = typeTable('EnvVar', passing('name', 'value'), {
  valueFrom: pass(
    typeTable('EnvVarSource', {
      configMapKeyRef: pass(typeTable('ConfigMapKeySelector', { name: translate(bySuperName) }, passing('key', 'optional'))),
      fieldRef: pass(fieldRefFields),
      fileKeyRef: pass(typeTable('FileKeySelector', passing('key', 'optional', 'path', 'volumeName'))),
      resourceFieldRef: pass(resourceRefFields),
      secretKeyRef: pass(typeTable('SecretKeySelector', { name: translate(bySuperName) }, passing('key', 'optional'))),
    }),
  ),
})
const envFrom = typeTable('EnvFromSource', passing('prefix'), {
  configMapRef: pass(typeTable('ConfigMapEnvSource', { name: translate(bySuperName) }, passing('optional'))),
  secretRef: pass(typeTable('SecretEnvSource', { name: translate(bySuperName) }, passing('optional'))),
})

const exec = typeTable('ExecAction', passing('command'))
const httpGet = typeTable('HTTPGetAction', passing('host', 'path', 'port', 'protocol', 'scheme'), {
  httpHeaders: pass(typeTable('HTTPHeader', passing('name', 'value'))),
})
const tcpSocket = typeTable('TCPSocketAction', passing('host', 'port'))
const probe = typeTable(
  'Probe',
  {
    exec: pass(exec),
    grpc: pass(typeTable('GRPCAction', passing('mode', 'port', 'service'))),
    httpGet: pass(httpGet),
    tcpSocket: pass(tcpSocket),
  },
  passing(
    'failureThreshold',
    'initialDelaySeconds',
    'periodSeconds',
    'successThreshold',
    'terminationGracePeriodSeconds',
    'timeoutSeconds',
  ),
)
const handler = typeTable('LifecycleHandler', {
  exec: pass(exec),
  httpGet: pass(httpGet),
  sleep: pass(typeTable('SleepAction', passing('seconds'))),
  tcpSocket: pass(tcpSocket),
})

const profile = passing('localhostProfile', 'type')
const sharedSecurity = {
  appArmorProfile: pass(typeTable('AppArmorProfile', profile)),
  seLinuxOptions: pass(typeTable('SELinuxOptions', passing('level', 'role', 'type', 'user'))),
  seccompProfile: pass(typeTable('SeccompProfile', profile)),
  windowsOptions: pass(
    typeTable(
      'WindowsSecurityContextOptions',
      passing('gmsaCredentialSpec', 'gmsaCredentialSpecName', 'hostProcess', 'runAsUserName'),
    ),
  ),
  ...passing('runAsGroup', 'runAsNonRoot', 'runAsUser'),
}

/** What a pod says for all its containers. Whether it may is for Pod Security to say, in the super. */
export const podSecurityFields = typeTable(
  'PodSecurityContext',
  sharedSecurity,
  { sysctls: pass(typeTable('Sysctl', passing('name', 'value'))) },
  passing('fsGroup', 'fsGroupChangePolicy', 'seLinuxChangePolicy', 'supplementalGroups', 'supplementalGroupsPolicy'),
)

const containerRows = {
  env: translate("the tenant's API server comes first: `KUBERNETES_SERVICE_HOST` and its like", env),
  envFrom: pass(envFrom),
  lifecycle: pass(typeTable('Lifecycle', { postStart: pass(handler), preStop: pass(handler) }, passing('stopSignal'))),
  livenessProbe: pass(probe),
  ports: pass(typeTable('ContainerPort', passing('containerPort', 'hostIP', 'hostPort', 'name', 'protocol'))),
  readinessProbe: pass(probe),
  resizePolicy: pass(typeTable('ContainerResizePolicy', passing('resourceName', 'restartPolicy'))),
  resources: pass(resourceFields),
  restartPolicyRules: pass(
    typeTable('ContainerRestartRule', passing('action'), {
      exitCodes: pass(typeTable('ContainerRestartRuleOnExitCodes', passing('operator', 'values'))),
    }),
  ),
  securityContext: pass(
    typeTable(
      'SecurityContext',
      sharedSecurity,
      { capabilities: pass(typeTable('Capabilities', passing('add', 'drop'))) },
      passing('allowPrivilegeEscalation', 'privileged', 'procMount', 'readOnlyRootFilesystem'),
    ),
  ),
  startupProbe: pass(probe),
  volumeDevices: pass(typeTable('VolumeDevice', passing('devicePath', 'name'))),
  volumeMounts: pass(
    typeTable(
      'VolumeMount',
      passing(
        'bindMountOptions',
        'mountPath',
        'mountPropagation',
        'name',
        'readOnly',
        'recursiveReadOnly',
        'subPath',
        'subPathExpr',
      ),
    ),
  ),
  ...passing('args', 'command', 'image', 'imagePullPolicy', 'name', 'restartPolicy', 'stdin', 'stdinOnce'),
  ...passing('terminationMessagePath', 'terminationMessagePolicy', 'tty', 'workingDir'),
}

/** Of main and init containers. */
export const containerFields: TypeTable = typeTable('Container', containerRows)

/** Of the containers that `kubectl debug` adds. */
export const ephemeralContainerFields: TypeTable = typeTable('EphemeralContainer', containerRows, passing('targetContainerName'))
