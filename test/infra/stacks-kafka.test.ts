import { describe, expect, it } from 'vitest'
import { DEPLOYMENTS, type Deployment } from './deployments.ts'

import { stacksOf } from './stacks-of.ts'

const ON_KAFKA = (Object.keys(DEPLOYMENTS) as Deployment[]).filter(name => 'eventLog' in DEPLOYMENTS[name].change)

describe.each(ON_KAFKA)('the stacks with Kafka of %s', deployment => {
  const { stage, log, all, properties } = stacksOf(deployment)

  if (log === 'msk') {
    it('have disks that no load fills, with an alarm for each broker', () => {
      const [cluster] = properties('AWS::MSK::Cluster')
      const [topic] = properties('AWS::MSK::Topic')
      const configs = JSON.parse(Buffer.from(String(topic?.Configs), 'base64').toString('utf8'))
      const { BrokerNodeGroupInfo } = cluster as {
        BrokerNodeGroupInfo: { StorageInfo: { EBSStorageInfo: { VolumeSize: number } } }
      }
      const kept =
        Number(topic?.PartitionCount) * (Number(configs['retention.bytes']) + Number(configs['segment.bytes']))
      expect(kept).toBeLessThanOrEqual(0.8 * BrokerNodeGroupInfo.StorageInfo.EBSStorageInfo.VolumeSize * 1024 ** 3)
      const alarm = properties('AWS::CloudWatch::Alarm').find(({ AlarmName }) =>
        String(AlarmName).endsWith('BrokerDiskFull'),
      )
      expect(JSON.stringify(alarm).match(/"Broker ID"/g)).toHaveLength(Number(cluster?.NumberOfBrokerNodes))
    })

    it('keep acknowledged records on at least two brokers; with two brokers, on one while the other is down', () => {
      const [cluster] = properties('AWS::MSK::Cluster')
      const [topic] = properties('AWS::MSK::Topic')
      expect(topic?.ReplicationFactor).toBe(cluster?.NumberOfBrokerNodes)
      const configs = JSON.parse(Buffer.from(String(topic?.Configs), 'base64').toString('utf8'))
      expect(configs['min.insync.replicas']).toBe(String(Number(topic?.ReplicationFactor) - 1))
      const [{ ServerProperties } = {}] = properties('AWS::MSK::Configuration')
      expect(JSON.stringify(ServerProperties)).toContain('unclean.leader.election.enable=false')
    })

    it('stamp records with their arrival time, which decides their slot', () => {
      const [topic] = properties('AWS::MSK::Topic')
      const configs = JSON.parse(Buffer.from(String(topic?.Configs), 'base64').toString('utf8'))
      expect(configs['message.timestamp.type']).toBe('LogAppendTime')
    })

    it('require a login, and have no route out of the network', () => {
      expect(properties('AWS::MSK::Cluster')).toMatchObject([
        {
          ClientAuthentication: { Sasl: { Iam: { Enabled: true } }, Unauthenticated: { Enabled: false } },
          EncryptionInfo: { EncryptionInTransit: { ClientBroker: 'TLS', InCluster: true } },
        },
      ])
      for (const type of ['AWS::EC2::InternetGateway', 'AWS::EC2::NatGateway']) expect(all(type)).toEqual([])
    })
  }

  it('have only functions that append in the network of the brokers', () => {
    const inside = properties('AWS::Lambda::Function').filter(({ VpcConfig }) => VpcConfig)
    expect(inside.map(({ FunctionName }) => FunctionName).sort()).toEqual(
      ['heartbeat', 'ingest'].map(name => `landcover-${stage}-${name}`),
    )
  })
})
