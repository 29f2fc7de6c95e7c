import { createSocket } from 'node:dgram'

/** A name server of somebody's own, who turns its names about at will: what it answers is to be forgotten at once. */
export interface NameServer {
  readonly port: number
  /** Where a name leads from now on. */
  lead(name: string, address: string): void
  /** Addresses that it has answered with for a name, in order. */
  answers(name: string): readonly string[]
  close(): Promise<void>
}

const headerLength = 12
const typeA = 1

/** The one question of a DNS message (RFC 1035, 4.1.2): its name, its type and where it ends. */
const questionOf = (message: Buffer): { name: string; type: number; end: number } => {
  const labels: string[] = []
  let at = headerLength
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('ascii', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 }
}

/** An answer with one IPv4 address, or with none: the name is there, and has nothing of that type. */
const answerTo = (message: Buffer, end: number, address: string | undefined): Buffer => {
  const header = Buffer.alloc(headerLength)
  message.copy(header, 0, 0, 2)
  // A response, with authority, to a question that wished for recursion; no error.
  header.writeUInt16BE(0x8500, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(address === undefined ? 0 : 1, 6)
  const question = message.subarray(headerLength, end)
  if (address === undefined) return Buffer.concat([header, question])
  // The name of the question, type A, class IN, to be kept for 0 s, four bytes.
  const record = [0xc0, headerLength, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)]
  return Buffer.concat([header, question, Buffer.from(record)])
}

/** Starts one on UDP. */
export const startNameServer = async (host: string): Promise<NameServer> => {
  const leads = new Map<string, string>()
  const answered: { readonly name: string; readonly address: string }[] = []
  const socket = createSocket('udp4')
  socket.on('message', (message, from) => {
    const { name, type, end } = questionOf(message)
    const address = type === typeA ? leads.get(name) : undefined
    if (address !== undefined) answered.push({ name, address })
    socket.send(answerTo(message, end, address), from.port, from.address)
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, host, resolve)
  })
  return {
    port: socket.address().port,
    lead: (name, address) => void leads.set(name, address),
    answers: (name) => answered.filter((each) => each.name === name).map(({ address }) => address),
    close: () => new Promise((resolve) => socket.close(resolve)),
  }
}
