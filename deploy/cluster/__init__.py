"""Three machines on this one, for `make cluster`: namespaces with a MongoDB member and a RabbitMQ node in each."""
