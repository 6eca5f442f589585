/**
 * Code of a CloudFront function that lets only viewers in some networks pass. CloudFront functions have no libraries and
 * no network access, so the networks are part of the code.
 *
 * @param cidrs IPv4 networks such as `192.0.2.0/24`
 * @throws Error that names the first invalid network
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html
 */
export function viewerFilter(cidrs: readonly string[]): string {
  const networks = cidrs.map(cidr => {
    const [, address = '', bits = ''] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr) ?? []
    const parts = address.split('.').map(Number)
    if (parts.length !== 4 || parts.some(part => part > 255) || Number(bits) > 32) {
      throw new Error(`'${cidr}' is not an IPv4 network: write it like 192.0.2.0/24`)
    }
    return [numberOf(parts), 2 ** (32 - Number(bits))]
  })
  return `var networks = ${JSON.stringify(networks)};
function handler(event) {
  var parts = event.viewer.ip.split('.').map(Number);
  if (parts.length === 4) {
    var address = ((parts[0] * 256 + parts[1]) * 256 + parts[2]) * 256 + parts[3];
    for (var network of networks) {
      if (Math.floor(address / network[1]) === Math.floor(network[0] / network[1])) return event.request;
    }
  }
  return { statusCode: 403, statusDescription: 'Forbidden' };
}
`
}

function numberOf(parts: readonly number[]): number {
  return parts.reduce((number, part) => number * 256 + part, 0)
}
