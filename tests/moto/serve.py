"""Serves moto on a free loopback port until standard input closes: a second opinion of S3, STS and Organizations.

Prints the port, once one bucket with one object and an organization are there.
"""

import logging
import sys

import boto3
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
port = server.get_host_and_port()[1]


def client(service):
    return boto3.client(
        service,
        region_name="eu-west-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


s3 = client("s3")
s3.create_bucket(Bucket="acme-billing", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
s3.put_object(Bucket="acme-billing", Key="cur/acme/20261101-20261201/acme-Manifest.json", Body=b"{}")
client("organizations").create_organization(FeatureSet="ALL")
print(port, flush=True)
sys.stdin.read()
