#include "node/runtime/data_folder.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "protocol/identity.h"

namespace crossfloor {
namespace {

constexpr std::size_t kMostKeyBytes = 4096;
constexpr std::size_t kMostMeshBytes = 4 << 20;

Status make_folder(const std::string& path, unsigned mode) {
  if (::mkdir(path.c_str(), mode) == 0) {
    if (::chmod(path.c_str(), mode) != 0) return system_error("cannot set its mode", path);
    return {};
  }
  if (errno != EEXIST) return system_error("cannot create it", path);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return system_error("cannot look at it", path);
  if (!S_ISDIR(info.st_mode)) {
    return Error{ErrorCode::io, "is not a folder", path, "move it away, or choose another path"};
  }
  if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0) return system_error("cannot use it", path);
  if ((info.st_mode & S_IWOTH) != 0) {
    return Error{ErrorCode::forbidden, "everybody may write to it", path, "chmod o-w " + path};
  }
  return {};
}

std::string holder_of(int fd) {
  char text[32];
  const ssize_t got = ::pread(fd, text, sizeof text, 0);
  std::string pid(text, got > 0 ? static_cast<std::size_t>(got) : 0);
  pid = pid.substr(0, pid.find_first_not_of("0123456789"));
  return pid.empty() ? "another process" : "process " + pid;
}

Result<OwnFd> take_lock(const std::string& path) {
  OwnFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (!fd) return system_error("cannot open it", path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error("cannot lock it", path);
    return Error{ErrorCode::conflict, "the data folder is in use by " + holder_of(fd.get()), path,
                 "stop that process, or give this node a data folder of its own"};
  }
  // Written over the old one before that is cut off: this must work on a disk without room, too.
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()) ||
      ::ftruncate(fd.get(), static_cast<off_t>(pid.size())) != 0) {
    return system_error("cannot write it", path);
  }
  return fd;
}

std::optional<uid_t> service_user() {
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r("crossfloor", &entry, buffer.data(), buffer.size(), &found) != 0) return {};
  if (found == nullptr) return std::nullopt;
  return found->pw_uid;
}

Error with_mend(Error error, const std::string& mend) {
  if (error.code == ErrorCode::not_found) error.mend = mend;
  return error;
}

}  // namespace

Result<DataFolder> DataFolder::open(const std::string& path) {
  struct stat before {};
  const bool fresh = ::stat(path.c_str(), &before) != 0;
  if (auto made = make_folder(path, 0750); !made.ok()) return made.error();
  // Operators must reach control.sock through it, and the service its files. Not being allowed to
  // give it away is no fault: whoever installed the folder decided so.
  if (const auto group = operators_group(); fresh && group) {
    const auto owner = service_user();
    [[maybe_unused]] const int given =
        ::chown(path.c_str(), owner.value_or(static_cast<uid_t>(-1)), *group);
  }
  auto lock = take_lock(path + "/lock");
  if (!lock.ok()) return lock.error();
  DataFolder folder(path, std::move(lock).value());
  if (auto made = make_folder(folder.store(), 0700); !made.ok()) return made.error();
  for (const std::string& own : {path + "/lock", folder.store()}) {
    if (auto given = give_to_owner_of(path, own); !given.ok()) return given.error();
  }
  const auto key = read_own_file(folder.node_key(), kMostKeyBytes);
  if (!key.ok() && key.error().code != ErrorCode::not_found) return key.error();
  return folder;
}

Result<SigningKey> DataFolder::read_node_key() const {
  const auto text = read_own_file(node_key(), kMostKeyBytes);
  if (!text.ok()) return with_mend(text.error(), "make one with: crossfloor node keygen");
  auto key = parse_node_key(text.value());
  if (key.ok()) return key;
  Error error = key.error();
  error.where = node_key();
  return error;
}

Result<Bytes> DataFolder::read_mesh_file() const {
  auto text = read_private_file(mesh_file(), kMostMeshBytes);
  if (text.ok()) return text;
  return with_mend(text.error(),
                   "put the file there that `crossfloor mesh admit` made for this node");
}

Status DataFolder::replace_mesh_file(ByteView content) const {
  return replace_file(mesh_file(), content, 0600);
}

Status give_to_owner_of(const std::string& folder, const std::string& path) {
  if (::geteuid() != 0) return {};
  struct stat owner {};
  if (::stat(folder.c_str(), &owner) != 0) return system_error("cannot look at it", folder);
  if (owner.st_uid == 0) return {};
  if (::lchown(path.c_str(), owner.st_uid, owner.st_gid) != 0) {
    return system_error("cannot give it to the owner of its folder", path);
  }
  return {};
}

std::optional<unsigned> operators_group() {
  std::vector<char> buffer(16384);
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r("crossfloor", &entry, buffer.data(), buffer.size(), &found) != 0)
    return std::nullopt;
  if (found == nullptr) return std::nullopt;
  return found->gr_gid;
}

}  // namespace crossfloor
