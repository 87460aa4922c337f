// TLS of the node's HTTP server, from PEM files.
#pragma once

#include <kj/compat/tls.h>

#include <memory>
#include <string>

#include "protocol/result.h"

namespace crossfloor {

// TLS 1.2 or later. Errors name the file and, where it can be told, what is wrong with it. The
// files are read at once: what is given back does not look at them again.
Result<std::shared_ptr<kj::TlsContext>> load_server_tls(const std::string& certificate_file,
                                                        const std::string& key_file);

// Trusts the system's authorities, or if `authorities_file` is not empty those in it: only them, or
// besides the system's.
enum class Trust { only_these, besides_system };
Result<std::shared_ptr<kj::TlsContext>> load_client_tls(const std::string& authorities_file,
                                                        Trust trust = Trust::only_these);

}  // namespace crossfloor
