// @tus/server on S3, as its documentation sets it up: node server.mjs PORT BUCKET ENDPOINT
import { S3Store } from '@tus/s3-store'
import { Server } from '@tus/server'

const [port, bucket, endpoint] = process.argv.slice(2)
const s3ClientConfig = {
  bucket,
  endpoint,
  forcePathStyle: true,
  region: process.env.AWS_REGION,
  credentials: {
    accessKeyId: process.env.AWS_ACCESS_KEY_ID,
    secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
  },
}
const server = new Server({ path: '/files', datastore: new S3Store({ s3ClientConfig }) })
server.listen({ host: '127.0.0.1', port: Number(port) })
