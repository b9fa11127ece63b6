"""The bus over Amazon SQS. Only `client` imports boto3, and only a service whose settings say sqs:// imports that."""
