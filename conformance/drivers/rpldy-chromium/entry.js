import { getTusEnhancer } from '@rpldy/tus-sender'
import createUploader, { UPLOADER_EVENTS } from '@rpldy/uploader'

globalThis.supported = ['chunk', 'parallel', 'with-creation', 'override', 'defer']
globalThis.upload = (file, given, sayUrl) => new Promise((resolve, reject) => {
  const tus = { version: '1.0.0' }
  if (given.chunk) Object.assign(tus, { chunked: true, chunkSize: Number(given.chunk) })
  if (given.parallel) tus.parallel = Number(given.parallel)
  if (given['with-creation']) tus.sendDataOnCreate = true
  if (given.override) tus.overrideMethod = true
  if (given.defer) tus.deferLength = true
  const uploader = createUploader({
    enhancer: getTusEnhancer(tus),
    destination: { url: given.endpoint, headers: given.headers, params: given.metadata },
  })
  const describe = (item) => item.uploadResponse?.data || item.uploadStatus || 'the upload failed'
  uploader.on(UPLOADER_EVENTS.ITEM_FINISH, (item) => {
    const url = new URL(item.uploadResponse?.location || '', given.endpoint).href
    sayUrl(url)
    resolve(url)
  })
  uploader.on(UPLOADER_EVENTS.ITEM_ERROR, (item) => reject(new Error(JSON.stringify(describe(item)))))
  uploader.on(UPLOADER_EVENTS.ITEM_ABORT, () => reject(new Error('the upload was aborted')))
  uploader.add(file)
})
