/** Where a control-plane container finds its Secret. */
export const keyFolder = '/etc/berth/keys'
