//! What the bill's accounts buy: regions, and services with their rates and attributes.

use super::stream::Shape;

/// A region and how usage types and product columns name it.
pub(super) struct Region {
    pub(super) code: &'static str,
    pub(super) prefix: &'static str,
    pub(super) location: &'static str,
}

pub(super) const REGIONS: [Region; 7] = [
    region("us-east-1", "", "US East (N. Virginia)"),
    region("us-west-2", "USW2-", "US West (Oregon)"),
    region("eu-west-1", "EU-", "EU (Ireland)"),
    region("eu-central-1", "EUC1-", "EU (Frankfurt)"),
    region("ap-southeast-2", "APS2-", "Asia Pacific (Sydney)"),
    region("sa-east-1", "SAE1-", "South America (São Paulo)"),
    region("ca-central-1", "CAN1-", "Canada (Central)"),
];

const fn region(code: &'static str, prefix: &'static str, location: &'static str) -> Region {
    Region { code, prefix, location }
}

/// The kind of resource a row names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Instance,
    Volume,
    Bucket,
    Function,
    Database,
    Balancer,
    Table,
    Distribution,
    Gateway,
    Nothing,
}

/// Something that is metered. `{p}` in a text is the region's prefix, `{location}` its place.
pub(super) struct Offer {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) family: &'static str,
    pub(super) usage_type: &'static str,
    pub(super) operation: &'static str,
    pub(super) unit: &'static str,
    /// Mantissa and scale of the public price.
    pub(super) rate: (i64, u32),
    pub(super) shape: Shape,
    pub(super) resource: Resource,
    /// What the row is for; the rate is put before it.
    pub(super) description: &'static str,
    pub(super) attributes: &'static [(&'static str, &'static str)],
    /// For instances, the normalisation factor.
    pub(super) factor: Option<i64>,
    pub(super) weight: u32,
}

impl Offer {
    /// Sold by AWS rather than on its Marketplace, whose product codes are 25 characters of no meaning.
    pub(super) fn is_from_aws(&self) -> bool {
        self.code.len() < 20
    }
}

macro_rules! instance {
    ($kind:literal, $family:literal, $vcpu:literal, $memory:literal, $factor:literal, $mantissa:literal, $weight:literal) => {
        Offer {
            code: "AmazonEC2",
            name: "Amazon Elastic Compute Cloud",
            family: "Compute Instance",
            usage_type: concat!("{p}BoxUsage:", $kind),
            operation: "RunInstances",
            unit: "Hrs",
            rate: ($mantissa, 4),
            shape: Shape::Hours,
            resource: Resource::Instance,
            description: concat!("per On Demand Linux ", $kind, " Instance Hour"),
            attributes: &[
                ("instanceType", $kind),
                ("instanceFamily", $family),
                ("vcpu", $vcpu),
                ("memory", $memory),
                ("clockSpeed", "3.1 GHz"),
                ("currentGeneration", "Yes"),
                ("operatingSystem", "Linux"),
                ("tenancy", "Shared"),
                ("capacitystatus", "Used"),
                ("licenseModel", "No License required"),
                ("preInstalledSw", "NA"),
                ("networkPerformance", "Up to 10 Gigabit"),
                ("physicalProcessor", "Intel Xeon Platinum 8175 (Skylake)"),
                ("processorArchitecture", "64-bit"),
                ("processorFeatures", "Intel AVX; Intel AVX2; Intel AVX512; Intel Turbo"),
                ("storage", "EBS only"),
                ("marketoption", "OnDemand"),
                ("vpcnetworkingsupport", "true"),
                ("classicnetworkingsupport", "false"),
            ],
            factor: Some($factor),
            weight: $weight,
        }
    };
}

#[rustfmt::skip]
pub(super) const OFFERS: &[Offer] = &[
    instance!("t3.medium", "General purpose", "2", "4 GiB", 2, 416, 9),
    instance!("m5.large", "General purpose", "2", "8 GiB", 4, 960, 9),
    instance!("c5.2xlarge", "Compute optimized", "8", "16 GiB", 16, 3400, 6),
    instance!("r5.xlarge", "Memory optimized", "4", "32 GiB", 8, 2520, 5),
    instance!("p4d.24xlarge", "GPU instance", "96", "1152 GiB", 192, 327_726, 1),
    Offer {
        code: "AmazonEC2", name: "Amazon Elastic Compute Cloud", family: "Storage", usage_type: "{p}EBS:VolumeUsage.gp3",
        operation: "CreateVolume-Gp3", unit: "GB-Mo", rate: (8, 2), shape: Shape::Stored, resource: Resource::Volume,
        description: "per GB-month of General Purpose (gp3) provisioned storage - {location}",
        attributes: &[("volumeApiName", "gp3"), ("volumeType", "General Purpose"), ("storageMedia", "SSD-backed"),
            ("maxIopsvolume", "16000"), ("maxThroughputvolume", "1000 MiB/s"), ("maxVolumeSize", "16 TiB")],
        factor: None, weight: 10,
    },
    Offer {
        code: "AmazonEC2", name: "Amazon Elastic Compute Cloud", family: "NAT Gateway", usage_type: "{p}NatGateway-Bytes",
        operation: "NatGateway", unit: "GB", rate: (45, 3), shape: Shape::Traffic, resource: Resource::Gateway,
        description: "per GB Data Processed by NAT Gateways",
        attributes: &[("group", "NGW:NatGateway"), ("groupDescription", "Charge for per GB data processed by NatGateways")],
        factor: None, weight: 3,
    },
    Offer {
        code: "AmazonS3", name: "Amazon Simple Storage Service", family: "Storage", usage_type: "{p}TimedStorage-ByteHrs",
        operation: "StandardStorage", unit: "GB-Mo", rate: (23, 3), shape: Shape::Stored, resource: Resource::Bucket,
        description: "per GB - first 50 TB / month of storage used",
        attributes: &[("storageClass", "General Purpose"), ("durability", "99.999999999%"), ("volumeType", "Standard"), ("availability", "99.99%")],
        factor: None, weight: 5,
    },
    Offer {
        code: "AmazonS3", name: "Amazon Simple Storage Service", family: "API Request", usage_type: "{p}Requests-Tier2",
        operation: "GetObject", unit: "Requests", rate: (4, 7), shape: Shape::Requests, resource: Resource::Bucket,
        description: "per 10,000 GET and all other requests, \"Tier 2\"",
        attributes: &[("group", "S3-API-Tier2"), ("groupDescription", "GET and all other requests"), ("requestType", "Tier2")],
        factor: None, weight: 6,
    },
    Offer {
        code: "AmazonRDS", name: "Amazon Relational Database Service", family: "Database Instance",
        usage_type: "{p}InstanceUsage:db.r5.large", operation: "CreateDBInstance:0014", unit: "Hrs", rate: (25, 2),
        shape: Shape::Hours, resource: Resource::Database,
        description: "per RDS db.r5.large instance hour (or partial hour) running PostgreSQL",
        attributes: &[("databaseEngine", "PostgreSQL"), ("deploymentOption", "Single-AZ"), ("instanceType", "db.r5.large"),
            ("instanceFamily", "Memory optimized"), ("memory", "16 GiB"), ("vcpu", "2"), ("engineCode", "14"), ("databaseEdition", "Standard")],
        factor: Some(4), weight: 6,
    },
    Offer {
        code: "AWSLambda", name: "AWS Lambda", family: "Serverless", usage_type: "{p}Lambda-GB-Second", operation: "Invoke",
        unit: "Lambda-GB-Second", rate: (166_667, 10), shape: Shape::Traffic, resource: Resource::Function,
        description: "per GB-second for the first 6 Billion GB-seconds / month",
        attributes: &[("group", "AWS-Lambda-Duration"), ("groupDescription", "Invocation duration weighted by memory assigned to function, measured in GB-s")],
        factor: None, weight: 6,
    },
    Offer {
        code: "AWSELB", name: "Elastic Load Balancing", family: "Load Balancer-Application", usage_type: "{p}LoadBalancerUsage",
        operation: "LoadBalancing:Application", unit: "Hrs", rate: (225, 4), shape: Shape::Hours, resource: Resource::Balancer,
        description: "per Application LoadBalancer-hour (or partial hour)",
        attributes: &[("group", "ELB:Balancing"), ("groupDescription", "LoadBalancer hourly usage by Application Load Balancer")],
        factor: None, weight: 4,
    },
    Offer {
        code: "AmazonDynamoDB", name: "Amazon DynamoDB", family: "Amazon DynamoDB PayPerRequest Throughput",
        usage_type: "{p}ReadRequestUnits", operation: "PayPerRequestThroughput", unit: "ReadRequestUnits", rate: (125, 9),
        shape: Shape::Requests, resource: Resource::Table, description: "per million read request units ({location})",
        attributes: &[("group", "DDB-ReadUnits"), ("groupDescription", "DynamoDB PayPerRequest Read Request Units")],
        factor: None, weight: 3,
    },
    Offer {
        code: "AmazonCloudFront", name: "Amazon CloudFront", family: "Data Transfer", usage_type: "EU-DataTransfer-Out-Bytes",
        operation: "GET", unit: "GB", rate: (85, 3), shape: Shape::Traffic, resource: Resource::Distribution,
        description: "per GB - first 10 TB / month data transfer out",
        attributes: &[("fromLocation", "Europe"), ("fromLocationType", "AWS Edge Location"), ("toLocation", "External"),
            ("toLocationType", "Other"), ("transferType", "CloudFront Outbound")],
        factor: None, weight: 3,
    },
    Offer {
        code: "AWSDataTransfer", name: "AWS Data Transfer", family: "Data Transfer", usage_type: "{p}EUC1-AWS-Out-Bytes",
        operation: "InterRegion-Out", unit: "GB", rate: (2, 2), shape: Shape::Traffic, resource: Resource::Instance,
        description: "per GB - {location} data transfer to EU (Frankfurt)",
        attributes: &[("fromLocation", "{location}"), ("fromLocationType", "AWS Region"), ("fromRegionCode", "{region}"),
            ("toLocation", "EU (Frankfurt)"), ("toLocationType", "AWS Region"), ("toRegionCode", "eu-central-1"),
            ("transferType", "InterRegion Outbound")],
        factor: None, weight: 5,
    },
    Offer {
        code: "AmazonCloudWatch", name: "AmazonCloudWatch", family: "Metric", usage_type: "{p}CW:MetricMonitorUsage",
        operation: "MetricStorage", unit: "Metrics", rate: (3, 1), shape: Shape::Stored, resource: Resource::Nothing,
        description: "per metric-month for the first 10,000 metrics - {location}",
        attributes: &[("group", "Metric"), ("groupDescription", "CloudWatch metrics"), ("alarmType", "Standard"), ("logsType", "Custom Logs")],
        factor: None, weight: 4,
    },
    Offer {
        code: "AmazonElastiCache", name: "Amazon ElastiCache", family: "Cache Instance", usage_type: "{p}NodeUsage:cache.r6g.large",
        operation: "CreateCacheCluster:0002", unit: "Hrs", rate: (206, 3), shape: Shape::Hours, resource: Resource::Nothing,
        description: "per R6g Large Cache node-hour (or partial hour) running Redis",
        attributes: &[("cacheEngine", "Redis"), ("instanceType", "cache.r6g.large"), ("memory", "13.07 GiB"), ("vcpu", "2")],
        factor: Some(4), weight: 2,
    },
    Offer {
        code: "AWSQueueService", name: "Amazon Simple Queue Service", family: "API Request", usage_type: "{p}Requests-RBP",
        operation: "SendMessage", unit: "Requests", rate: (4, 7), shape: Shape::Requests, resource: Resource::Nothing,
        description: "per Request; first 1,000,000 free – “Standard” queues",
        attributes: &[("group", "SQS-APIRequest-Standard"), ("queueType", "Standard"), ("messageDeliveryFrequency", "At Least Once"), ("messageDeliveryOrder", "Not Guaranteed")],
        factor: None, weight: 2,
    },
    Offer {
        code: "awskms", name: "AWS Key Management Service", family: "Encryption Key", usage_type: "{p}KMS-Requests",
        operation: "Decrypt", unit: "Requests", rate: (3, 6), shape: Shape::Requests, resource: Resource::Nothing,
        description: "per 10,000 KMS requests in {location}",
        attributes: &[("group", "Encryption Key"), ("comments", "Customer managed, symmetric"), ("freeTier", "No"), ("endpointType", "Public")],
        factor: None, weight: 2,
    },
    Offer {
        code: "8h2kx1mfq0wq7c9rj5d3tz4pe", name: "Datapane Observability (Contract), Inc.", family: "", usage_type: "SoftwareUsage-hosts",
        operation: "Hourly", unit: "Units", rate: (31, 3), shape: Shape::Hours, resource: Resource::Nothing,
        description: "per host hour; \"Pro\" plan, Red Hat® hosts",
        attributes: &[("productFamily", "AWS Marketplace"), ("subscriptionType", "Pay as you go")],
        factor: None, weight: 1,
    },
];
