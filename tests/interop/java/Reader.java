import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.Protocol;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.leases.LeaseManagementConfig;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.metrics.NullMetricsFactory;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.processor.SingleStreamTracker;
import software.amazon.kinesis.retrieval.KinesisClientRecord;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * A worker of the Java KCL, 2.x or 3.x, that writes each record to standard output as `kcl consume`
 * does, and checkpoints after each batch. It is told everything by environment variables.
 */
public final class Reader {
    private static final int FAILOVER = Integer.parseInt(get("FAILOVER", "3000"));

    private static String get(String name, String otherwise) {
        String value = System.getenv(name);
        return value == null ? otherwise : value;
    }

    static final class Processor implements ShardRecordProcessor {
        private String shard;

        public void initialize(InitializationInput input) {
            shard = input.shardId();
            System.err.println("initialize " + shard + " " + input.extendedSequenceNumber());
        }

        public void processRecords(ProcessRecordsInput input) {
            StringBuilder lines = new StringBuilder();
            for (KinesisClientRecord record : input.records()) {
                String data = StandardCharsets.UTF_8.decode(record.data().duplicate()).toString();
                lines.append(String.format(
                    "{\"shard\":\"%s\",\"sequence_number\":\"%s\",\"partition_key\":\"%s\","
                        + "\"data\":\"%s\",\"epoch\":0}%n",
                    shard, record.sequenceNumber(), record.partitionKey(), data));
            }
            synchronized (System.out) {
                System.out.print(lines);
                System.out.flush();
            }
            try {
                input.checkpointer().checkpoint();
            } catch (Exception e) {
                System.err.println("checkpoint " + shard + " " + e);
            }
        }

        public void leaseLost(LeaseLostInput input) {
            System.err.println("leaseLost " + shard);
        }

        public void shardEnded(ShardEndedInput input) {
            System.err.println("shardEnded " + shard);
            try {
                input.checkpointer().checkpoint();
            } catch (Exception e) {
                System.err.println("checkpoint " + shard + " " + e);
            }
        }

        public void shutdownRequested(ShutdownRequestedInput input) {
            try {
                input.checkpointer().checkpoint();
            } catch (Exception e) {
                System.err.println("checkpoint " + shard + " " + e);
            }
        }
    }

    /** A setting that 2.x does not have. */
    private static void since3(LeaseManagementConfig config, String setting, long value) {
        try {
            config.getClass().getMethod(setting, long.class).invoke(config, value);
        } catch (ReflectiveOperationException e) {
            System.err.println("no setting " + setting);
        }
    }

    public static void main(String[] args) throws Exception {
        StaticCredentialsProvider credentials =
            StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"));
        URI kinesisAt = URI.create(System.getenv("KINESIS"));
        URI dynamodbAt = URI.create(System.getenv("DYNAMODB"));
        KinesisAsyncClient kinesis = KinesisAsyncClient.builder()
            .endpointOverride(kinesisAt).region(Region.US_EAST_1).credentialsProvider(credentials)
            .httpClientBuilder(NettyNioAsyncHttpClient.builder().protocol(Protocol.HTTP1_1))
            .build();
        DynamoDbAsyncClient dynamodb = DynamoDbAsyncClient.builder()
            .endpointOverride(dynamodbAt).region(Region.US_EAST_1).credentialsProvider(credentials)
            .build();
        CloudWatchAsyncClient cloudwatch = CloudWatchAsyncClient.builder()
            .endpointOverride(dynamodbAt).region(Region.US_EAST_1).credentialsProvider(credentials)
            .build();
        String stream = System.getenv("STREAM");
        SingleStreamTracker tracker = new SingleStreamTracker(
            stream,
            InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON));
        ConfigsBuilder configs = new ConfigsBuilder(
            tracker, System.getenv("APP"), kinesis, dynamodb, cloudwatch,
            get("WORKER", UUID.randomUUID().toString()), Processor::new);
        LeaseManagementConfig leases = configs.leaseManagementConfig()
            .failoverTimeMillis(FAILOVER)
            .shardSyncIntervalMillis(1000)
            .maxLeasesToStealAtOneTime(20)
            .initialPositionInStream(InitialPositionInStreamExtended.newInitialPosition(
                InitialPositionInStream.TRIM_HORIZON));
        since3(leases, "leaseAssignmentIntervalMillis", 1000);
        Scheduler scheduler = new Scheduler(
            configs.checkpointConfig(),
            configs.coordinatorConfig()
                .parentShardPollIntervalMillis(500)
                .shardConsumerDispatchPollIntervalMillis(200),
            leases,
            configs.lifecycleConfig(),
            configs.metricsConfig().metricsFactory(new NullMetricsFactory()),
            configs.processorConfig(),
            configs.retrievalConfig().retrievalSpecificConfig(
                new PollingConfig(stream, kinesis).idleTimeBetweenReadsInMillis(250)));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                scheduler.startGracefulShutdown().get(10, TimeUnit.SECONDS);
            } catch (Exception e) {
                System.err.println("shutdown " + e);
            }
        }));
        scheduler.run();
    }
}
