// The folder of everything that a node keeps:
//
//   store/        the database
//   node.key      the node's private key; nobody but its owner may read it (0600)
//   mesh.file     what `crossfloor mesh admit` answered: certificate, authority, secrets, members
//   control.sock  where the command line speaks to the node (0660, group crossfloor if there is
//   one) lock          held as long as a process uses the folder; holds its process id
#pragma once

#include <optional>
#include <string>

#include "node/runtime/files.h"
#include "protocol/crypto.h"

namespace crossfloor {

class DataFolder {
 public:
  // Creates what is missing (folder 0750, store/ 0700), checks the rights of what is there and
  // takes the lock, which ends with this object or the process. Errors: conflict (another process
  // has it; its id is named), forbidden (node.key readable by others), io, not_found (the folder
  // above).
  static Result<DataFolder> open(const std::string& path);

  const std::string& path() const { return path_; }
  std::string store() const { return path_ + "/store"; }
  std::string node_key() const { return path_ + "/node.key"; }
  std::string mesh_file() const { return path_ + "/mesh.file"; }
  std::string control_socket() const { return path_ + "/control.sock"; }

  // Errors: not_found (with the command that makes it), forbidden, malformed, io.
  Result<SigningKey> read_node_key() const;
  Result<Bytes> read_mesh_file() const;
  Status replace_mesh_file(ByteView content) const;

 private:
  DataFolder(std::string path, OwnFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  OwnFd lock_;
};

// The id of the group "crossfloor", whose members may use the command line; nothing without one.
std::optional<unsigned> operators_group();

// What root puts into a data folder belongs to the folder's owner: the service's user must be able
// to read it. Nothing happens if somebody else than root runs this.
Status give_to_owner_of(const std::string& folder, const std::string& path);

}  // namespace crossfloor
