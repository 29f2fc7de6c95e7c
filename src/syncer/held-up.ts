/** A tenant that asks for one held address by ever new Services gains nothing by it: past this they come by their own pauses. */
const mostKeys = 1_000

/** Keys of Services that super refused because an address of theirs is still held there: each is to come as soon as that address is free. */
export class HeldUp {
  readonly #keys = new Map<string, Set<string>>()
  #size = 0

  /** @param address is the name of the IPAddress in super, which is the address in its canonical form. */
  add(address: string, key: string): void {
    const keys = this.#keys.get(address) ?? new Set()
    if (keys.has(key) || this.#size >= mostKeys) return
    this.#keys.set(address, keys.add(key))
    this.#size += 1
  }

  /** Those who wait for an address, which are forgotten: who is refused again is added again. */
  take(address: string): ReadonlySet<string> {
    const keys = this.#keys.get(address) ?? new Set()
    this.#keys.delete(address)
    this.#size -= keys.size
    return keys
  }
}
