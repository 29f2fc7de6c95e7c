import { runAttacks } from './attack.ts'
import { insideAttacks } from './inside.ts'
import { serviceAttacks } from './services.ts'

runAttacks('attacks-network', { services: serviceAttacks, inside: insideAttacks })
