import { runAttacks } from './attack.ts'
import { insideAttacks } from './inside.ts'
import { rebindingAttacks } from './rebinding.ts'
import { serviceAttacks } from './services.ts'

runAttacks('attacks-network', { services: serviceAttacks, rebinding: rebindingAttacks, inside: insideAttacks })
