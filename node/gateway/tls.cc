#include "node/gateway/tls.h"

#include <kj/exception.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace crossfloor {
namespace {

constexpr std::uintmax_t max_pem_bytes = 1024 * 1024;

Error unusable(std::string what, const std::string& file, std::string mend) {
  return Error{ErrorCode::malformed, std::move(what), file, std::move(mend)};
}

Result<std::string> read_pem(const std::string& file) {
  std::error_code failure;
  const auto size = std::filesystem::file_size(file, failure);
  if (failure) {
    return Error{ErrorCode::io, "cannot be read: " + failure.message(), file,
                 "check the path and its rights"};
  }
  if (size > max_pem_bytes) return unusable("is too large", file, "give a PEM file");
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) {
    return Error{ErrorCode::io, "cannot be read", file, "check its rights"};
  }
  return text.str();
}

// The SSL_CTX of a TlsContext, which KJ keeps to itself; access is not checked in the arguments of
// an explicit instantiation.
SSL_CTX* ssl_of(kj::TlsContext& context);
template <void* kj::TlsContext::*member>
struct TlsContextMember {
  friend SSL_CTX* ssl_of(kj::TlsContext& context) { return static_cast<SSL_CTX*>(context.*member); }
};
template struct TlsContextMember<&kj::TlsContext::ctx>;

// KJ looks for the host among a certificate's names only. Nodes may be addressed by numbers, and
// certificates then hold IP addresses: those are what a host that is one must be found in.
int verify_host_or_address(X509_STORE_CTX* store, void*) {
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(store);
  const char* named = X509_VERIFY_PARAM_get0_host(parameters, 0);
  std::string host = named == nullptr ? "" : named;
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  ERR_set_mark();
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1) {
    X509_VERIFY_PARAM_set1_host(parameters, nullptr, 0);
  }
  ERR_pop_to_mark();  // that a name is no address is no error
  return X509_verify_cert(store);
}

// OpenSSL itself takes a certificate with a strange key, and then fails at each handshake.
bool belong_together(const std::string& certificate_text, const std::string& key_text) {
  const auto memory = [](const std::string& text) {
    return std::unique_ptr<BIO, decltype(&BIO_free)>(
        BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
  };
  const auto certificate_bytes = memory(certificate_text);
  const auto key_bytes = memory(key_text);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(certificate_bytes.get(), nullptr, nullptr, nullptr), &X509_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(key_bytes.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  return certificate && key && X509_check_private_key(certificate.get(), key.get()) == 1;
}

// Runs `use`; what KJ throws becomes the error.
template <typename T, typename Use>
Result<T> guarded(const std::string& what, const std::string& file, const std::string& mend,
                  Use&& use) {
  try {
    return Result<T>(use());
  } catch (const kj::Exception&) {
    return unusable(what, file, mend);
  } catch (const std::exception& e) {
    return unusable(what + ": " + e.what(), file, mend);
  }
}

}  // namespace

Result<std::shared_ptr<kj::TlsContext>> load_server_tls(const std::string& certificate_file,
                                                        const std::string& key_file) {
  const auto certificate_text = read_pem(certificate_file);
  if (!certificate_text.ok()) return certificate_text.error();
  const auto key_text = read_pem(key_file);
  if (!key_text.ok()) return key_text.error();
  auto certificate = guarded<kj::TlsCertificate>(
      "holds no certificate", certificate_file, "give a PEM file, the server's certificate first",
      [&] { return kj::TlsCertificate(kj::StringPtr(certificate_text.value().c_str())); });
  if (!certificate.ok()) return certificate.error();
  auto key = guarded<kj::TlsPrivateKey>(
      "holds no private key, or one with a password", key_file, "give an unencrypted PEM key",
      [&] { return kj::TlsPrivateKey(kj::StringPtr(key_text.value().c_str())); });
  if (!key.ok()) return key.error();
  if (!belong_together(certificate_text.value(), key_text.value())) {
    return unusable("does not belong to the certificate " + certificate_file, key_file,
                    "give the key that the certificate was made for");
  }
  return guarded<std::shared_ptr<kj::TlsContext>>(
      "cannot be used with the certificate " + certificate_file, key_file,
      "give a certificate and its key as PEM files", [&] {
        const kj::TlsKeypair pair{key.value(), certificate.value()};
        kj::TlsContext::Options options;
        options.useSystemTrustStore = false;
        options.minVersion = kj::TlsVersion::TLS_1_2;
        options.defaultKeypair = pair;
        return std::make_shared<kj::TlsContext>(kj::mv(options));
      });
}

Result<std::shared_ptr<kj::TlsContext>> load_client_tls(const std::string& authorities_file,
                                                        Trust trust) {
  std::vector<kj::TlsCertificate> authorities;
  if (!authorities_file.empty()) {
    const auto text = read_pem(authorities_file);
    if (!text.ok()) return text.error();
    // KJ reads several certificates as one chain and would trust only the first: one by one.
    constexpr std::string_view begin = "-----BEGIN CERTIFICATE-----";
    for (auto at = text.value().find(begin); at != std::string::npos;) {
      const auto next = text.value().find(begin, at + begin.size());
      const std::string one = text.value().substr(at, next - at);
      auto certificate = guarded<kj::TlsCertificate>(
          "holds a broken certificate", authorities_file, "give a PEM file of authorities",
          [&] { return kj::TlsCertificate(kj::StringPtr(one.c_str())); });
      if (!certificate.ok()) return certificate.error();
      authorities.push_back(std::move(certificate).value());
      at = next;
    }
    if (authorities.empty()) {
      return unusable("holds no certificate", authorities_file, "give a PEM file of authorities");
    }
  }
  return guarded<std::shared_ptr<kj::TlsContext>>(
      "cannot be used", authorities_file, "give a PEM file of authorities", [&] {
        kj::TlsContext::Options options;
        options.useSystemTrustStore = authorities_file.empty() || trust == Trust::besides_system;
        options.minVersion = kj::TlsVersion::TLS_1_2;
        options.trustedCertificates = kj::arrayPtr(authorities.data(), authorities.size());
        auto context = std::make_shared<kj::TlsContext>(kj::mv(options));
        SSL_CTX_set_cert_verify_callback(ssl_of(*context), verify_host_or_address, nullptr);
        return context;
      });
}

}  // namespace crossfloor
