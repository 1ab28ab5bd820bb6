// Interfaces as the standards state them: ERC-20, ERC-165, ERC-173, ERC-721, ERC-1155, ERC-3643, ERC-734 and ERC-735.
// What stands behind `// optional` belongs to the interface, but a contract has the standard without it.

interface ERC20 {
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);
    function totalSupply() view returns (uint256);
    function balanceOf(address owner) view returns (uint256);
    function transfer(address to, uint256 value) returns (bool);
    function transferFrom(address from, address to, uint256 value) returns (bool);
    function approve(address spender, uint256 value) returns (bool);
    function allowance(address owner, address spender) view returns (uint256);
    // optional
    function name() view returns (string);
    function symbol() view returns (string);
    function decimals() view returns (uint8);
}

interface ERC721 {
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
    event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId);
    event ApprovalForAll(address indexed owner, address indexed operator, bool approved);
    function balanceOf(address owner) view returns (uint256);
    function ownerOf(uint256 tokenId) view returns (address);
    function safeTransferFrom(address from, address to, uint256 tokenId, bytes data) payable;
    function safeTransferFrom(address from, address to, uint256 tokenId) payable;
    function transferFrom(address from, address to, uint256 tokenId) payable;
    function approve(address approved, uint256 tokenId) payable;
    function setApprovalForAll(address operator, bool approved);
    function getApproved(uint256 tokenId) view returns (address);
    function isApprovedForAll(address owner, address operator) view returns (bool);
    // optional
    function name() view returns (string);
    function symbol() view returns (string);
    function tokenURI(uint256 tokenId) view returns (string);
}

interface ERC1155 {
    event TransferSingle(address indexed operator, address indexed from, address indexed to, uint256 id, uint256 value);
    event TransferBatch(address indexed operator, address indexed from, address indexed to, uint256[] ids, uint256[] values);
    event ApprovalForAll(address indexed owner, address indexed operator, bool approved);
    event URI(string value, uint256 indexed id);
    function safeTransferFrom(address from, address to, uint256 id, uint256 value, bytes data);
    function safeBatchTransferFrom(address from, address to, uint256[] ids, uint256[] values, bytes data);
    function balanceOf(address owner, uint256 id) view returns (uint256);
    function balanceOfBatch(address[] owners, uint256[] ids) view returns (uint256[]);
    function setApprovalForAll(address operator, bool approved);
    function isApprovedForAll(address owner, address operator) view returns (bool);
    // optional
    function uri(uint256 id) view returns (string);
}

interface Ownable {
    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);
    function owner() view returns (address);
    function transferOwnership(address newOwner);
}

interface AccessControl {
    event RoleAdminChanged(bytes32 indexed role, bytes32 indexed previousAdminRole, bytes32 indexed newAdminRole);
    event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender);
    event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender);
    function hasRole(bytes32 role, address account) view returns (bool);
    function getRoleAdmin(bytes32 role) view returns (bytes32);
    function grantRole(bytes32 role, address account);
    function revokeRole(bytes32 role, address account);
    function renounceRole(bytes32 role, address account);
}

interface AgentRole {
    event AgentAdded(address indexed agent);
    event AgentRemoved(address indexed agent);
    function addAgent(address agent);
    function removeAgent(address agent);
    function isAgent(address agent) view returns (bool);
}

interface ERC3643Token is ERC20 {
    event UpdatedTokenInformation(string indexed newName, string indexed newSymbol, uint8 newDecimals, string newVersion, address indexed newOnchainID);
    event IdentityRegistryAdded(address indexed identityRegistry);
    event ComplianceAdded(address indexed compliance);
    event RecoverySuccess(address indexed lostWallet, address indexed newWallet, address indexed investorOnchainID);
    event AddressFrozen(address indexed userAddress, bool indexed isFrozen, address indexed owner);
    event TokensFrozen(address indexed userAddress, uint256 amount);
    event TokensUnfrozen(address indexed userAddress, uint256 amount);
    event Paused(address userAddress);
    event Unpaused(address userAddress);
    function onchainID() view returns (address);
    function version() view returns (string);
    function identityRegistry() view returns (address);
    function compliance() view returns (address);
    function paused() view returns (bool);
    function isFrozen(address userAddress) view returns (bool);
    function getFrozenTokens(address userAddress) view returns (uint256);
    function setName(string name);
    function setSymbol(string symbol);
    function setOnchainID(address onchainID);
    function pause();
    function unpause();
    function setAddressFrozen(address userAddress, bool freeze);
    function freezePartialTokens(address userAddress, uint256 amount);
    function unfreezePartialTokens(address userAddress, uint256 amount);
    function setIdentityRegistry(address identityRegistry);
    function setCompliance(address compliance);
    function forcedTransfer(address from, address to, uint256 amount) returns (bool);
    function mint(address to, uint256 amount);
    function burn(address userAddress, uint256 amount);
    function recoveryAddress(address lostWallet, address newWallet, address investorOnchainID) returns (bool);
    // optional
    function batchTransfer(address[] toList, uint256[] amounts);
    function batchForcedTransfer(address[] fromList, address[] toList, uint256[] amounts);
    function batchMint(address[] toList, uint256[] amounts);
    function batchBurn(address[] userAddresses, uint256[] amounts);
    function batchSetAddressFrozen(address[] userAddresses, bool[] freeze);
    function batchFreezePartialTokens(address[] userAddresses, uint256[] amounts);
    function batchUnfreezePartialTokens(address[] userAddresses, uint256[] amounts);
    event AgentAdded(address indexed agent);
    event AgentRemoved(address indexed agent);
    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);
}

interface IdentityRegistry {
    event ClaimTopicsRegistrySet(address indexed claimTopicsRegistry);
    event IdentityStorageSet(address indexed identityStorage);
    event TrustedIssuersRegistrySet(address indexed trustedIssuersRegistry);
    event IdentityRegistered(address indexed investorAddress, address indexed identity);
    event IdentityRemoved(address indexed investorAddress, address indexed identity);
    event IdentityUpdated(address indexed oldIdentity, address indexed newIdentity);
    event CountryUpdated(address indexed investorAddress, uint16 indexed country);
    function registerIdentity(address userAddress, address identity, uint16 country);
    function deleteIdentity(address userAddress);
    function updateCountry(address userAddress, uint16 country);
    function updateIdentity(address userAddress, address identity);
    function contains(address userAddress) view returns (bool);
    function isVerified(address userAddress) view returns (bool);
    function identity(address userAddress) view returns (address);
    function investorCountry(address userAddress) view returns (uint16);
    // optional
    function batchRegisterIdentity(address[] userAddresses, address[] identities, uint16[] countries);
    event AgentAdded(address indexed agent);
    event AgentRemoved(address indexed agent);
    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);
}

interface IdentityRegistryStorage {
    event IdentityStored(address indexed investorAddress, address indexed identity);
    event IdentityUnstored(address indexed investorAddress, address indexed identity);
    event IdentityModified(address indexed oldIdentity, address indexed newIdentity);
    event CountryModified(address indexed investorAddress, uint16 indexed country);
    event IdentityRegistryBound(address indexed identityRegistry);
    event IdentityRegistryUnbound(address indexed identityRegistry);
    function storedIdentity(address userAddress) view returns (address);
    function storedInvestorCountry(address userAddress) view returns (uint16);
    function linkedIdentityRegistries() view returns (address[]);
    function addIdentityToStorage(address userAddress, address identity, uint16 country);
    function removeIdentityFromStorage(address userAddress);
    function modifyStoredInvestorCountry(address userAddress, uint16 country);
    function modifyStoredIdentity(address userAddress, address identity);
}

interface TrustedIssuersRegistry {
    event TrustedIssuerAdded(address indexed trustedIssuer, uint256[] claimTopics);
    event TrustedIssuerRemoved(address indexed trustedIssuer);
    event ClaimTopicsUpdated(address indexed trustedIssuer, uint256[] claimTopics);
    function addTrustedIssuer(address trustedIssuer, uint256[] claimTopics);
    function removeTrustedIssuer(address trustedIssuer);
    function updateIssuerClaimTopics(address trustedIssuer, uint256[] claimTopics);
    function getTrustedIssuers() view returns (address[]);
    function isTrustedIssuer(address issuer) view returns (bool);
    function getTrustedIssuerClaimTopics(address trustedIssuer) view returns (uint256[]);
    function hasClaimTopic(address issuer, uint256 claimTopic) view returns (bool);
}

interface ClaimTopicsRegistry {
    event ClaimTopicAdded(uint256 indexed claimTopic);
    event ClaimTopicRemoved(uint256 indexed claimTopic);
    function addClaimTopic(uint256 claimTopic);
    function removeClaimTopic(uint256 claimTopic);
    function getClaimTopics() view returns (uint256[]);
}

interface Compliance {
    event TokenBound(address token);
    event TokenUnbound(address token);
    function bindToken(address token);
    function unbindToken(address token);
    function canTransfer(address from, address to, uint256 amount) view returns (bool);
    function transferred(address from, address to, uint256 amount);
    function created(address to, uint256 amount);
    function destroyed(address from, uint256 amount);
    // optional
    event ModuleAdded(address indexed module);
    event ModuleRemoved(address indexed module);
    event ModuleInteraction(address indexed target, bytes4 selector);
}

interface KeyHolder {
    event KeyAdded(bytes32 indexed key, uint256 indexed purpose, uint256 indexed keyType);
    event KeyRemoved(bytes32 indexed key, uint256 indexed purpose, uint256 indexed keyType);
    event ExecutionRequested(uint256 indexed executionId, address indexed to, uint256 indexed value, bytes data);
    event Executed(uint256 indexed executionId, address indexed to, uint256 indexed value, bytes data);
    event Approved(uint256 indexed executionId, bool approved);
    function getKey(bytes32 key) view returns (uint256[] purposes, uint256 keyType, bytes32 keyHash);
    function keyHasPurpose(bytes32 key, uint256 purpose) view returns (bool);
    function getKeysByPurpose(uint256 purpose) view returns (bytes32[]);
    function addKey(bytes32 key, uint256 purpose, uint256 keyType) returns (bool);
    function removeKey(bytes32 key, uint256 purpose) returns (bool);
    function execute(address to, uint256 value, bytes data) payable returns (uint256);
    function approve(uint256 id, bool approve) returns (bool);
    // optional
    event ExecutionFailed(uint256 indexed executionId, address indexed to, uint256 indexed value, bytes data);
}

interface ClaimHolder {
    event ClaimAdded(bytes32 indexed claimId, uint256 indexed topic, uint256 scheme, address indexed issuer, bytes signature, bytes data, string uri);
    event ClaimRemoved(bytes32 indexed claimId, uint256 indexed topic, uint256 scheme, address indexed issuer, bytes signature, bytes data, string uri);
    event ClaimChanged(bytes32 indexed claimId, uint256 indexed topic, uint256 scheme, address indexed issuer, bytes signature, bytes data, string uri);
    function getClaim(bytes32 claimId) view returns (uint256 topic, uint256 scheme, address issuer, bytes signature, bytes data, string uri);
    function getClaimIdsByTopic(uint256 topic) view returns (bytes32[]);
    function addClaim(uint256 topic, uint256 scheme, address issuer, bytes signature, bytes data, string uri) returns (bytes32);
    function removeClaim(bytes32 claimId) returns (bool);
}

interface Identity is KeyHolder, ClaimHolder {
}

interface ClaimIssuer is Identity {
    event ClaimRevoked(bytes indexed signature);
    function revokeClaim(bytes32 claimId, address identity) returns (bool);
    function isClaimRevoked(bytes signature) view returns (bool);
    function isClaimValid(address identity, uint256 claimTopic, bytes signature, bytes data) view returns (bool);
}

interface IdentityFactory {
    event Deployed(address indexed deployed);
    event WalletLinked(address indexed wallet, address indexed identity);
    event WalletUnlinked(address indexed wallet, address indexed identity);
    event TokenLinked(address indexed token, address indexed identity);
    function createIdentity(address wallet, string salt) returns (address);
    function linkWallet(address newWallet);
    function unlinkWallet(address oldWallet);
    function getIdentity(address wallet) view returns (address);
    function getWallets(address identity) view returns (address[]);
    // optional
    event TokenFactoryAdded(address indexed factory);
    event TokenFactoryRemoved(address indexed factory);
}
