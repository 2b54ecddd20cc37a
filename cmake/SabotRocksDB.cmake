# Finds RocksDB, which holds state larger than memory: Sabot::rocksdb, and SABOT_WITH_ROCKSDB. Where it is missing that part
# is left out. Looked for by name: the package file of Debian asks for the development packages of all its codecs, which
# only a static library would need.
include_guard(GLOBAL)

find_path(ROCKSDB_INCLUDE_DIR rocksdb/utilities/checkpoint.h)
find_library(ROCKSDB_LIBRARY rocksdb)
mark_as_advanced(ROCKSDB_INCLUDE_DIR ROCKSDB_LIBRARY)
set(SABOT_WITH_ROCKSDB OFF)
if(ROCKSDB_INCLUDE_DIR AND ROCKSDB_LIBRARY)
  set(SABOT_WITH_ROCKSDB ON)
  if(NOT TARGET Sabot::rocksdb)
    add_library(Sabot::rocksdb UNKNOWN IMPORTED)
    set_target_properties(Sabot::rocksdb PROPERTIES IMPORTED_LOCATION "${ROCKSDB_LIBRARY}"
                                                    INTERFACE_INCLUDE_DIRECTORIES "${ROCKSDB_INCLUDE_DIR}")
  endif()
else()
  message(STATUS "State in RocksDB is left out: it was not found. Install librocksdb-dev, "
                 "or set ROCKSDB_INCLUDE_DIR and ROCKSDB_LIBRARY")
endif()
