// uploadx's tus middleware on a folder: node server.mjs PORT FOLDER
import { createServer } from 'node:http'
import { tus } from '@uploadx/core'

const [port, directory] = process.argv.slice(2)
const handle = tus({ directory, path: '/files', allowMIME: ['*/*'] })
createServer((request, response) => handle(request, response)).listen(Number(port), '127.0.0.1')
