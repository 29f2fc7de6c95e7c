import { imageRegistry } from '../images/registry.ts'

const [host, port, dir] = process.argv.slice(2)
if (host === undefined || dir === undefined) throw new Error('usage: registry-server.ts HOST PORT FOLDER')
imageRegistry(dir).listen(Number(port), host)
