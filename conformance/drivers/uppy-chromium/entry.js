import Uppy from '@uppy/core'
import Tus from '@uppy/tus'

globalThis.supported = ['chunk', 'parallel', 'with-creation', 'override']
globalThis.upload = async (file, given, sayUrl) => {
  const options = { endpoint: given.endpoint, headers: given.headers }
  if (given.chunk) options.chunkSize = Number(given.chunk)
  if (given.parallel) options.parallelUploads = Number(given.parallel)
  if (given['with-creation']) options.uploadDataDuringCreation = true
  if (given.override) options.overridePatchMethod = true
  const uppy = new Uppy().use(Tus, options)
  uppy.addFile({ name: 'file.bin', data: file, meta: given.metadata })
  const result = await uppy.upload()
  if (result.failed.length > 0) throw result.failed[0].error
  if (result.successful.length === 0) throw new Error('no upload succeeded')
  const url = result.successful[0].uploadURL
  sayUrl(url)
  return url
}
