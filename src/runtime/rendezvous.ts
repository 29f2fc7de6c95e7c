import { hash } from 'node:crypto'

/**
 * The member that a key belongs to: the one with the highest hash over both. Each member finds the same without asking,
 * and when one comes or goes only its own share moves. Undefined without members.
 */
export const rendezvousOwner = (key: string, members: readonly string[]): string | undefined => {
  let owner: string | undefined
  let highest = ''
  for (const member of members) {
    const score = hash('sha256', `${member}\0${key}`, 'hex')
    if (owner === undefined || score > highest || (score === highest && member < owner)) {
      owner = member
      highest = score
    }
  }
  return owner
}
