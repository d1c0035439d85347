import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as fsx from 'aws-cdk-lib/aws-fsx';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Duration } from 'aws-cdk-lib/core';
import { DataRepositoryEvent } from './data-repository-event';
import { LustreLogLevel } from './lustre-log-level';

/**
 * What is decided at deploy time about the file systems of runs and their link to S3.
 */
export interface LustreFileSystemProps {
  /**
   * FSx deployment type. `SCRATCH_1` cannot be linked to S3. A SCRATCH_2 file server that dies loses what is not exported.
   * Not every type is there in every Region.
   *
   * @default fsx.LustreDeploymentType.PERSISTENT_2
   */
  readonly lustreDeploymentType?: fsx.LustreDeploymentType;

  /**
   * Throughput in MB/s per TiB of storage: 125, 250, 500 or 1000 for PERSISTENT_2, 50, 100 or 200 for PERSISTENT_1.
   * Not allowed for SCRATCH_2 (FSx API reference, PerUnitStorageThroughput).
   *
   * @default - 125 for PERSISTENT_2, 50 for PERSISTENT_1, none for SCRATCH_2
   */
  readonly lustrePerUnitStorageThroughput?: number;

  /**
   * Compression of data on the file system. Objects in S3 are not compressed.
   *
   * @default fsx.LustreDataCompressionType.NONE
   */
  readonly lustreDataCompression?: fsx.LustreDataCompressionType;

  /**
   * Customer managed key that encrypts the file system. Not allowed for SCRATCH_2.
   *
   * @default - the key of FSx
   */
  readonly lustreEncryptionKey?: kms.IKey;

  /**
   * Which import and export events FSx logs.
   *
   * @default LustreLogLevel.WARN_ERROR
   */
  readonly lustreLogLevel?: LustreLogLevel;

  /**
   * Log group of those events. Its name must begin with `/aws/fsx/`. Not allowed with `LustreLogLevel.DISABLED`.
   *
   * @default - a new one that is kept when the stack is deleted
   */
  readonly lustreLogGroup?: logs.ILogGroup;

  /**
   * Directory of the file system that is linked to S3, and the only one that jobs see. One name, with a slash before it.
   *
   * @default '/export'
   */
  readonly exportDirectory?: string;

  /**
   * Changes that automatic export carries to S3. NEW and CHANGED are always needed, DELETED is safe where each run has a
   * prefix of its own.
   *
   * @default - NEW, CHANGED and DELETED
   */
  readonly exportEvents?: DataRepositoryEvent[];

  /**
   * Changes that automatic import carries to the file system. Needs a fixed prefix, a bucket in the Region of the file
   * system, and an event notification `FSx` on the bucket, which FSx makes.
   *
   * @default - none
   */
  readonly importEvents?: DataRepositoryEvent[];

  /**
   * Whether the names of the objects that are under the prefix when a run begins appear on its file system. Needs a fixed prefix.
   *
   * @default false
   */
  readonly importExistingObjects?: boolean;

  /**
   * Bucket that runs export to.
   *
   * @default - a new one that is kept when the stack is deleted
   */
  readonly bucket?: s3.IBucket;

  /**
   * Key prefix that runs export to or under; `''` is the whole bucket. Has to be said for a brought bucket.
   *
   * @default '' for a bucket that is created
   */
  readonly prefix?: string;

  /**
   * Whether each run exports to a folder of its own under the prefix, named by its run id. With a fixed prefix only one
   * run at a time can use it.
   *
   * @default true
   */
  readonly prefixPerRun?: boolean;

  /**
   * A name for people: part of the `Name` tag of what runs create. Up to 32 letters, digits, `-` and `_`.
   *
   * @default 'AutoExport'
   */
  readonly envName?: string;

  /**
   * Longest time that a run waits for a batch environment that another run uses, where it was told to wait. No file system
   * is there yet. Between 10 minutes and 7 days. Then the run ends with `ComputeEnvironmentBusy`.
   *
   * @default Duration.days(1)
   */
  readonly reserveTimeout?: Duration;

  /**
   * Longest time that the creation of the file system and its link may take. Between 10 minutes and 1 day. Then the run ends
   * with `FileSystemTimedOut`.
   *
   * @default Duration.hours(1)
   */
  readonly lustreCreationTimeout?: Duration;

  /**
   * Longest time that the update of the batch environment to the run's file system may take. Between 10 minutes and 7 days.
   * Then the run ends with `ComputeEnvironmentTimedOut`.
   *
   * @default Duration.hours(3)
   */
  readonly attachTimeout?: Duration;

  /**
   * Longest time that the job may take, with all its attempts and waits for an instance. Between 10 minutes and 30 days. Then
   * the job is stopped, and the run ends with `JobTimedOut`.
   *
   * @default Duration.days(7)
   */
  readonly jobTimeout?: Duration;

  /**
   * Longest time that the export of what is left may take once the job has ended. Then the file system is kept, and the
   * run ends with `DrainTimedOut`. From 2 hours to 30 days, and an hour longer than `lambdaTimeDiff` and three times `lambdaPeriod`.
   *
   * @default Duration.days(3)
   */
  readonly drainTimeout?: Duration;
}

/** Where the file systems of runs stand. */
export interface LustreNetworkProps {
  /** The subnet of the file systems: exactly one, whatever the deployment type. */
  readonly fileSystemSubnet: ec2.ISubnet;
  /** Security groups of the file systems: TCP 988 and 1018 to 1023, in and out, between themselves and the instances. */
  readonly fileSystemSecurityGroups: ec2.ISecurityGroup[];
}
