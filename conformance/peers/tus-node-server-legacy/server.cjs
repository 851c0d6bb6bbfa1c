// tus-node-server on a folder, as its documentation sets it up: node server.cjs PORT FOLDER
const { FileStore, Server } = require('tus-node-server')

const [port, directory] = process.argv.slice(2)
const server = new Server({ path: '/files' })
server.datastore = new FileStore({ directory })
server.listen({ host: '127.0.0.1', port: Number(port) })
