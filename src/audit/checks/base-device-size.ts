import { type Check, dockerDaemon, setting } from '../check.ts'

export const check: Check = {
  id: 'base-device-size',
  cis: '2.11',
  area: 'daemon',
  severity: 'low',
  title: 'The base device size of devicemapper is left alone',
  flaw: 'The base device size of devicemapper was changed',
  why: 'dm.basesize only ever grows, for every image and container.',
  judge: (facts) =>
    dockerDaemon(facts, (daemon) => {
      const options = setting(daemon, 'storage-opts').value
      const sized = Array.isArray(options) && options.some((each) => String(each).startsWith('dm.basesize'))
      return sized
        ? { evidence: 'storage-opts sets dm.basesize', remedy: 'remove dm.basesize from storage-opts' }
        : null
    }),
}
