// What the Pod Security Standards let a pod have: lists of k8s.io/pod-security-admission/policy, for the syncer, which decides, and for what is told at admission.

/** Capabilities that a container may add at level baseline (check_capabilities_baseline.go). */
export const baselineCapabilities: readonly string[] = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]

/** The same at level restricted (check_capabilities_restricted.go). */
export const restrictedCapabilities: readonly string[] = ['NET_BIND_SERVICE']

/** Sysctls that they call safe (check_sysctls.go, since 1.37). */
export const safeSysctls: readonly string[] = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_notsent_lowat',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_slow_start_after_idle',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
]

/** Types that a container may name without being more than others are (check_seLinuxOptions.go). */
export const seLinuxTypes: readonly string[] = ['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']

/** Volume sources that attach with the node's own credentials or network identity: not for levels below privileged. The syncer's table of fields says the same. */
export const nodeCredentialVolumes: readonly string[] = [
  'awsElasticBlockStore',
  'azureDisk',
  'cephfs',
  'cinder',
  'fc',
  'flexVolume',
  'flocker',
  'gcePersistentDisk',
  'iscsi',
  'nfs',
  'photonPersistentDisk',
  'portworxVolume',
  'quobyte',
  'rbd',
  'vsphereVolume',
]
