import { type Check, eachImage } from '../check.ts'

export const check: Check = {
  id: 'image-add',
  cis: '4.9',
  area: 'images',
  severity: 'info',
  title: 'The image was made with COPY, not ADD from the network',
  flaw: 'An image was made with ADD from the network',
  why: 'ADD fetches addresses and unpacks archives: what arrives is not what was reviewed.',
  judge: (facts) =>
    eachImage(facts, ({ history }) =>
      history.some(({ createdBy }) => /(^|\s|#\(nop\)\s*)ADD\s+(--\S+\s+)*https?:\/\//.test(createdBy))
        ? {
            evidence: 'ADD with an address in its history',
            remedy: 'fetch with a checksum (ADD --checksum), or COPY',
          }
        : null,
    ),
}
