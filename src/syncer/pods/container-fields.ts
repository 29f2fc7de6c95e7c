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
const calledHost = translate('only in tenants of the Pod Security level `privileged`: kubelets call it from the node')
const httpGet = typeTable('HTTPGetAction', { host: calledHost }, passing('path', 'port', 'protocol', 'scheme'), {
  httpHeaders: pass(typeTable('HTTPHeader', passing('name', 'value'))),
})
const tcpSocket = typeTable('TCPSocketAction', { host: calledHost }, passing('port'))
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
const onlyPrivileged = 'only in tenants of the Pod Security level `privileged`; else the pod is refused'
const sharedSecurity = {
  appArmorProfile: translate(`Unconfined: ${onlyPrivileged}`, typeTable('AppArmorProfile', profile)),
  seLinuxOptions: translate(
    `user, role and types other than those of containers: ${onlyPrivileged}`,
    typeTable('SELinuxOptions', passing('level', 'role', 'type', 'user')),
  ),
  seccompProfile: translate(
    `Unconfined: ${onlyPrivileged}. Unset: the runtime's default, by \`spec.isolation.pods.seccomp\``,
    typeTable('SeccompProfile', profile),
  ),
  windowsOptions: pass(
    typeTable(
      'WindowsSecurityContextOptions',
      { hostProcess: translate(onlyPrivileged) },
      passing('gmsaCredentialSpec', 'gmsaCredentialSpecName', 'runAsUserName'),
    ),
  ),
  runAsNonRoot: translate(
    'unset: true, where `spec.isolation.pods.runAsNonRoot` or the Pod Security level asks for it; false: there the pod is refused',
  ),
  runAsUser: translate('0: refused where `spec.isolation.pods.runAsNonRoot` or the Pod Security level asks for another user'),
  ...passing('runAsGroup'),
}

/** What a pod says for all its containers. Super's Pod Security admission says once more whether it may. */
export const podSecurityFields = typeTable(
  'PodSecurityContext',
  sharedSecurity,
  {
    sysctls: translate(
      'those that the Pod Security Standards call safe, and those of `spec.isolation.pods.sysctls`; else the pod is refused',
      typeTable('Sysctl', passing('name', 'value')),
    ),
  },
  passing('fsGroup', 'fsGroupChangePolicy', 'seLinuxChangePolicy', 'supplementalGroups', 'supplementalGroupsPolicy'),
)

const containerRows = {
  env: translate("the tenant's API server comes first: `KUBERNETES_SERVICE_HOST` and its like", env),
  envFrom: pass(envFrom),
  lifecycle: pass(typeTable('Lifecycle', { postStart: pass(handler), preStop: pass(handler) }, passing('stopSignal'))),
  livenessProbe: pass(probe),
  ports: pass(
    typeTable('ContainerPort', { hostPort: translate(onlyPrivileged) }, passing('containerPort', 'hostIP', 'name', 'protocol')),
  ),
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
      {
        allowPrivilegeEscalation: translate(
          'unset: false, where `spec.isolation.pods.privilegeEscalation` or the Pod Security level asks for it; true: there the pod is refused',
        ),
        capabilities: translate(
          '',
          typeTable('Capabilities', {
            add: translate('those of the Pod Security level and of `spec.isolation.pods.capabilities`; else the pod is refused'),
            drop: translate('ALL, at the Pod Security level `restricted`'),
          }),
        ),
        privileged: translate(onlyPrivileged),
        procMount: translate(`other than Default: ${onlyPrivileged}, or in a user namespace at \`baseline\``),
      },
      passing('readOnlyRootFilesystem'),
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
  imagePullPolicy: translate('Always, where `spec.isolation.pods.pullAlways` asks for it; Never: there the pod is refused'),
  ...passing('args', 'command', 'image', 'name', 'restartPolicy', 'stdin', 'stdinOnce'),
  ...passing('terminationMessagePath', 'terminationMessagePolicy', 'tty', 'workingDir'),
}

/** Of main and init containers. */
export const containerFields: TypeTable = typeTable('Container', containerRows)

/** Of the containers that `kubectl debug` adds. */
export const ephemeralContainerFields: TypeTable = typeTable('EphemeralContainer', containerRows, passing('targetContainerName'))
