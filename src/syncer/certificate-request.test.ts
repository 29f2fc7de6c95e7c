import { execFileSync } from 'node:child_process'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { newKeyWithProof } from './certificate-request.ts'

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64').replaceAll(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE REQUEST-----\n`

describe('a key with its proof', () => {
  test.for([['ECDSAP256'], ['ECDSAP384'], ['ECDSAP521'], ['ED25519'], ['RSA3072'], ['RSA4096']])('%s', async ([type = '']) => {
    const { keyPem, request } = await newKeyWithProof(type)
    // openssl checks the signature and names the key in the request.
    const answer = execFileSync('openssl', ['req', '-verify', '-noout', '-pubkey', '-subject'], {
      input: pem(request),
      stdio: ['pipe', 'pipe', 'ignore'],
    }).toString()
    expect(answer).toContain(createPublicKey(createPrivateKey(keyPem)).export({ type: 'spki', format: 'pem' }).toString())
    expect(answer).toMatch(/subject=\s*$/m)
  })

  test('a type nobody knows is refused', () => expect(newKeyWithProof('constructor')).rejects.toThrow('not known'))
})
