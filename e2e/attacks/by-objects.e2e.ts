import { runAttacks } from './attack.ts'
import { floodAttacks } from './floods.ts'
import { identityAttacks } from './identity.ts'
import { podAttacks } from './pods.ts'
import { storageAttacks } from './storage.ts'
import { strayAttacks } from './strays.ts'

// The quota is for floods: far more than what any other attack needs.
runAttacks(
  'attacks-objects',
  { pods: podAttacks, identity: identityAttacks, strays: strayAttacks, storage: storageAttacks, floods: floodAttacks },
  { quota: { hard: { pods: '20', 'services.nodeports': '5' } } },
)
