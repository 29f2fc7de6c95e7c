import { randomBytes } from 'node:crypto'
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'

/** Bytes of a nonce, and of the tag behind it. */
const sizes = { nonce: 24, tag: 16 } as const

/**
 * Nonce, tag and what is encrypted, one after the other: NaCl's `secretbox`, which is what Kubernetes encrypts with (k8s.io/apiserver
 * pkg/storage/value/encrypt/secretbox) and node:crypto does not have. `key`: 32 bytes.
 */
export const sealed = (message: Buffer, key: Buffer, nonce: Buffer = randomBytes(sizes.nonce)): Buffer =>
  Buffer.concat([nonce, xsalsa20poly1305(key, nonce).encrypt(message)])

/** What `sealed` was given; undefined for what another key sealed, or was changed. */
export const opened = (box: Buffer, key: Buffer): Buffer | undefined => {
  if (box.length < sizes.nonce + sizes.tag) return undefined
  try {
    return Buffer.from(xsalsa20poly1305(key, box.subarray(0, sizes.nonce)).decrypt(box.subarray(sizes.nonce)))
  } catch {
    return undefined
  }
}
