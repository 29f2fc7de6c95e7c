/** When two thirds of a certificate's life are over, in milliseconds since 1970: time enough to notice that renewal fails. Both dates in whatever `Date.parse` reads. */
export const renewalTimeOf = ({ validFrom, validTo }: { readonly validFrom: string; readonly validTo: string }): number => {
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)]
  return from + ((to - from) * 2) / 3
}

/** Berth does not rotate authorities by itself; it says so from this long before their end on, in milliseconds. */
export const authorityNoticeMs = 365 * 24 * 3_600_000
